/** Digests a run of pieces of an open file. Runs in a worker thread, hence the synchronous reads. */
import { readSync } from 'node:fs'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { bytesOfPieces, type Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/units.js'
import type { PieceList } from '../content/digest.js'
import { toDiskError } from './disk-error.js'

/** A run of pieces of a file that the main thread holds open: descriptors are the process's, not a thread's. */
export interface DigestTask extends Pick<Content, 'size' | 'pieceLength'> {
  fd: number
  /** Where the content's first byte stands in the file. */
  offset: number
  firstPiece: number
  endPiece: number
}

let buffer: Buffer | undefined

/** @throws E_CHANGED if the file ends before the last piece does; what reading throws. */
export function digestPieces ({ fd, offset, firstPiece, endPiece, ...content }: DigestTask): PieceList {
  buffer ??= Buffer.allocUnsafeSlow(MiB)
  const digests: Buffer[] = []
  const hasher = new Blake3Hasher()
  for (let piece = firstPiece; piece < endPiece; piece++) {
    const { start, end } = bytesOfPieces(content, piece, piece + 1)
    for (let at = start; at < end;) {
      const bytesRead = read(fd, buffer, Math.min(buffer.length, end - at), offset + at)
      if (bytesRead === 0) throw new PiecemealError('E_CHANGED', 'the file became shorter while it was read')
      hasher.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    digests.push(hasher.digestBuffer())
    hasher.reset()
  }
  return Buffer.concat(digests)
}

function read (fd: number, into: Buffer, length: number, position: number): number {
  try {
    return readSync(fd, into, 0, length, position)
  } catch (error) {
    throw toDiskError(error, 'cannot read')
  }
}
