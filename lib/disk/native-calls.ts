/** What of the kernel Node has no call for. The package is loaded when it is needed: it has builds for fewer platforms than the rest of us, none for musl. */
import { createRequire } from 'node:module'
import type * as Extensions from 'fs-native-extensions'

let native: typeof Extensions | undefined

function extensions (): typeof Extensions {
  native ??= createRequire(import.meta.url)('fs-native-extensions') as typeof Extensions
  return native
}

/** @returns whether it is ours now @throws where there are no locks: the package is not there, or the file system has none. */
export function tryLock (fd: number): boolean {
  return extensions().tryLock(fd)
}

/** Each path gets what the other had, at once. @returns false where there is no package for that @throws what the system says. */
export function swap (from: string, to: string): boolean {
  let swapSync
  try {
    ({ swapSync } = extensions())
  } catch {
    return false
  }
  swapSync(from, to)
  return true
}
