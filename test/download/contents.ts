/** Contents of tiny pieces, so that many of them fit a test. */
import { blake3 } from '@napi-rs/blake-hash'
import { contentDigest } from '../../lib/content/digest.js'
import { pieceCount, type Content } from '../../lib/protocol/content.js'

export const PIECE_BYTES = 10

export interface TinyContent extends Content {
  filename: string
  data: Buffer
  pieces: Buffer
}

/** No two of its pieces are the same. */
export function tinyContent (size: number, filename = 'file'): TinyContent {
  const data = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + Math.floor(i / PIECE_BYTES)) % 251))
  const pieceLength = PIECE_BYTES
  const pieces = Buffer.concat(Array.from({ length: pieceCount({ size, pieceLength }) }, (_, piece) => blake3(piecesOf(data, piece, piece + 1))))
  return { filename, data, size, pieceLength, pieces, digest: contentDigest(size, pieceLength, pieces) }
}

export function piecesOf (data: Buffer, firstPiece: number, endPiece: number): Buffer {
  return data.subarray(firstPiece * PIECE_BYTES, endPiece * PIECE_BYTES)
}
