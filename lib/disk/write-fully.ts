import { fstatSync, fsyncSync, ftruncateSync, writeSync } from 'node:fs'
import { isZeros } from '../content/zeros.js'
import { KiB } from '../protocol/units.js'
import { toDiskError } from './disk-error.js'

/** So many zeros in a row, at a multiple of it in the file, stay a hole: less is not worth a call of its own, nor an extent. */
const BLOCK_BYTES = 64 * KiB

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

/**
 * The same where nothing was ever written, in a file that nobody else writes to: blocks of zeros stay a hole there, and
 * the file reads as if they had been written. Whatever else stood there would stay, too. @throws E_DISK_FULL, E_IO.
 */
export function writeSparseSync (fd: number, bytes: Buffer, position: number): void {
  if (writeDataSync(fd, bytes, position)) lengthenSync(fd, position + bytes.length)
}

/** The same, but that the file may end too soon. @returns whether the last of the bytes were left a hole @throws E_DISK_FULL, E_IO. */
export function writeDataSync (fd: number, bytes: Buffer, position: number): boolean {
  let end = 0
  for (const data of dataIn(bytes, position)) {
    writeFullySync(fd, bytes.subarray(data.start, data.end), position + data.start)
    end = data.end
  }
  return end < bytes.length
}

/** What there is to write of bytes that belong at a position: all but blocks of zeros. */
export function * dataIn (bytes: Buffer, position: number): Generator<{ start: number, end: number }> {
  let start = 0
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES - (position + at) % BLOCK_BYTES)
    if (isZeros(bytes, at, end)) {
      if (start < at) yield { start, end: at }
      start = end
    }
    at = end
  }
  if (start < bytes.length) yield { start, end: bytes.length }
}

/** A file that ends in a hole has to be made as long as it is. Nobody else writes to it: what came meanwhile would be cut off. */
export function lengthenSync (fd: number, size: number): void {
  try {
    if (fstatSync(fd).size < size) ftruncateSync(fd, size)
  } catch (error) {
    throw toDiskError(error, 'cannot write')
  }
}

/** The same where others may be writing behind that: the last byte is written, which costs a block. */
export function reachSync (fd: number, size: number): void {
  try {
    if (fstatSync(fd).size < size) writeFullySync(fd, Buffer.alloc(1), size - 1)
  } catch (error) {
    throw toDiskError(error, 'cannot write')
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
