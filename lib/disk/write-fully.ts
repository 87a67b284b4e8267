import { fsyncSync, writeSync } from 'node:fs'
import { PiecemealError, systemCode } from '../protocol/errors.js'

/** Writes all of `bytes` at `position`: one call may write less without an error. @throws E_DISK_FULL, E_IO. */
export function writeFullySync (fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(fd, bytes, written, bytes.length - written, position + written)
    } catch (error) {
      throw toDiskError(error, 'cannot write')
    }
  }
}

/** Returns when the file is on the disk. @throws E_DISK_FULL, E_IO. */
export function syncFully (fd: number): void {
  try {
    fsyncSync(fd)
  } catch (error) {
    throw toDiskError(error, 'cannot write')
  }
}

/** A system error of a local file as one of the contract; `what` begins its message. */
export function toDiskError (error: unknown, what: string): PiecemealError {
  if (error instanceof PiecemealError) return error
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new PiecemealError('E_DISK_FULL', `${what}: no room on the disk`, { cause: error })
  if (code === 'EMFILE' || code === 'ENFILE') return new PiecemealError('E_LIMIT', `${what}: out of file descriptors`, { cause: error })
  return new PiecemealError('E_IO', `${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
