/** The package has no types of its own. */
declare module 'fs-native-extensions' {
  /** Whether an exclusive lock of the kernel was granted; it ends with the descriptor, so with the process at the latest. */
  export function tryLock (fd: number): boolean
  /** Each path gets what the other had, at once. @throws what the system says: EINVAL, ENOSYS where there is no such call */
  export function swapSync (from: string, to: string): void
}
