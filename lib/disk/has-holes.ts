/** Whether a file may have holes here: then its parts can be written at their places in it, in any order. */
import { closeSync, fstatSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { HOLES_PROBE } from './hidden.js'
import { MiB } from '../protocol/units.js'

/** What `blocks` of a file counts in, whatever its file system has. */
export const BLOCK_BYTES = 512

/** Finds out with a file of its own: one byte behind a gap. A disk that is full or fails tells nothing: then there are none. */
export function hasHoles (hiddenFolder: string): boolean {
  const path = join(hiddenFolder, HOLES_PROBE)
  try {
    rmSync(path, { force: true })
    const fd = openSync(path, 'wx')
    try {
      writeSync(fd, 'x', MiB)
      // Some say nothing before they have written it. Nobody else is made to wait for the disk.
      if (fstatSync(fd).blocks === 0) fsyncSync(fd)
      const { blocks } = fstatSync(fd)
      return blocks > 0 && blocks * BLOCK_BYTES < MiB
    } finally {
      closeSync(fd)
      rmSync(path, { force: true })
    }
  } catch {
    // A file of ours that stays is removed by the next start.
    return false
  }
}
