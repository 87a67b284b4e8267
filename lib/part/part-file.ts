/** The file that a part is written to. */
import { constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { toDiskError } from '../disk/disk-error.js'
import { systemCode } from '../protocol/errors.js'
import type { PartTask } from './part-task.js'

/** @throws E_DISK_FULL, E_IO, E_LIMIT. */
export function openPartFile ({ path, isWindow }: Pick<PartTask, 'path' | 'isWindow'>): number {
  // A window's file has to be the one that all write to: if it has gone, a new one would be another.
  const make = isWindow ? 0 : constants.O_CREAT | constants.O_TRUNC
  const open = (): number => openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | make, 0o666)
  try {
    try {
      return open()
    } catch (error) {
      if (isWindow || systemCode(error) !== 'ENOENT') throw error
      // Somebody tidied up too well.
      mkdirSync(dirname(path), { recursive: true })
      return open()
    }
  } catch (error) {
    throw toDiskError(error, 'cannot write a part file')
  }
}
