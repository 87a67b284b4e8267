/** Digests a run of pieces of an open file. Runs in a worker thread, hence the synchronous reads. */
import { readSync } from 'node:fs'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import type { Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/units.js'
import type { PieceList } from '../content/digest.js'
import { FileLayout, RunLayout } from '../content/layout.js'
import { digestOfZeros } from '../content/zeros.js'
import { toDiskError } from './disk-error.js'
import { Holes } from './holes.js'

/** A run of pieces of a file that the main thread holds open: descriptors are the process's, not a thread's. */
export interface DigestTask extends Pick<Content, 'size' | 'pieceLength'> {
  fd: number
  /** Where the content's first byte stands in the file. */
  offset: number
  firstPiece: number
  endPiece: number
  /** As `offsetsOf` has them for these pieces, @default those of a file */
  offsets?: Float64Array | undefined
}

let buffer: Buffer | undefined

/** @throws E_CHANGED if the file ends before the last piece does; what reading throws. */
export function digestPieces ({ fd, offset, firstPiece, endPiece, offsets, ...content }: DigestTask): PieceList {
  const layout = offsets ? new RunLayout(offsets, firstPiece) : new FileLayout(content.size, content.pieceLength)
  const holes = Holes.of(fd)
  try {
    return Buffer.concat(Array.from({ length: endPiece - firstPiece }, (_, i) => {
      const [start, end] = [layout.offsetOf(firstPiece + i), layout.offsetOf(firstPiece + i + 1)]
      const isHole = end - start === content.pieceLength && holes?.has(offset + start, offset + end)
      return isHole ? digestOfZeros(content.pieceLength) : digest(fd, offset + start, offset + end)
    }))
  } finally {
    holes?.close()
  }
}

function digest (fd: number, start: number, end: number): Buffer {
  buffer ??= Buffer.allocUnsafeSlow(MiB)
  const hasher = new Blake3Hasher()
  for (let at = start; at < end;) {
    const bytesRead = read(fd, buffer, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) throw new PiecemealError('E_CHANGED', 'the file became shorter while it was read')
    hasher.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return hasher.digestBuffer()
}

function read (fd: number, into: Buffer, length: number, position: number): number {
  try {
    return readSync(fd, into, 0, length, position)
  } catch (error) {
    throw toDiskError(error, 'cannot read')
  }
}
