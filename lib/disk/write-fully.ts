import { fsyncSync, writeSync } from 'node:fs'
import { toDiskError } from './disk-error.js'

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
