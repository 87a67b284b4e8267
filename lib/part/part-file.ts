/** The file that a part is written to. */
import { constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { toDiskError } from '../disk/disk-error.js'
import { systemCode } from '../protocol/errors.js'

/** @throws E_DISK_FULL, E_IO, E_LIMIT. */
export function openPartFile (path: string): number {
  const open = (): number => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o666)
  try {
    try {
      return open()
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      // Somebody tidied up too well.
      mkdirSync(dirname(path), { recursive: true })
      return open()
    }
  } catch (error) {
    throw toDiskError(error, 'cannot write a part file')
  }
}
