/** A kernel's lock on an open file. Its package is loaded when it is needed: it has builds for fewer platforms than the rest of us. */
import { createRequire } from 'node:module'
import type { tryLock as lock } from 'fs-native-extensions'

let native: { tryLock: typeof lock } | undefined

/** @returns whether it is ours now @throws where there are no locks: the package is not there, or the file system has none. */
export function tryLock (fd: number): boolean {
  native ??= createRequire(import.meta.url)('fs-native-extensions') as { tryLock: typeof lock }
  return native.tryLock(fd)
}
