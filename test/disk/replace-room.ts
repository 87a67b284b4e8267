import fsPromises from 'node:fs/promises'
import { replace } from '../helpers/replace.js'
import type { Scope } from '../helpers/command.js'

/** All disks have so many bytes free, until the test is over. */
export function replaceRoom (t: Scope, bytes: number): void {
  const statfs = async (): Promise<object> => await Promise.resolve({ type: 61267, blocks: bytes, bavail: bytes, bsize: 1, files: 1_000, ffree: 1_000 })
  replace(t, fsPromises, () => ({ statfs: statfs as typeof fsPromises.statfs }))
}
