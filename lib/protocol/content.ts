import { MAX_PIECES, MIN_PIECE_BYTES } from './limits.js'

/** What is no file, in the word of the wire. */
export type Kind = 'folder'

/** What a name stands for: `size` in bytes, `digest` as `blake3:` and 64 hex digits, `pieceLength` in bytes. */
export interface Content {
  size: number
  digest: string
  pieceLength: number
  /** Left out: a file. Size and piece length of a folder are its manifest's. */
  kind?: Kind | undefined
}

/** How many files a folder has, and their bytes together. */
export interface FolderExtent {
  files?: number | undefined
  filesSize?: number | undefined
}

/** A run of bytes, `end` exclusive. */
export interface ByteRange {
  start: number
  end: number
}

export const DIGEST_PREFIX = 'blake3:'
/** Bytes of one piece's digest in a piece list. */
export const PIECE_DIGEST_BYTES = 32

const DIGEST = /^blake3:[0-9a-f]{64}$/
const DIGEST_QUESTION = /^(?:blake3:)?[0-9a-f]{8,64}$/

export function isDigest (text: string): boolean {
  return DIGEST.test(text)
}

/** A digest as a person types it, whole or its first 8 or more hex digits, with or without `blake3:`. */
export function isDigestQuestion (text: string): boolean {
  return DIGEST_QUESTION.test(text)
}

/** The form that the beginning of a whole digest has: `blake3:` and as many hex digits as are known. */
export function digestPrefix (question: string): string {
  return question.startsWith(DIGEST_PREFIX) ? question : DIGEST_PREFIX + question
}

/** The power of two, 1 MiB at the least, that cuts `size` bytes into at most 8,192 pieces. */
export function pieceLengthFor (size: number): number {
  let pieceLength = MIN_PIECE_BYTES
  while (pieceCount({ size, pieceLength }) > MAX_PIECES) pieceLength *= 2
  return pieceLength
}

/** One content has one digest: so its size leaves no choice of piece length. */
export function isPieceLength (pieceLength: number, size: number): boolean {
  return pieceLength === pieceLengthFor(size)
}

export function pieceCount ({ size, pieceLength }: Pick<Content, 'size' | 'pieceLength'>): number {
  return Math.ceil(size / pieceLength)
}

/** The bytes of the pieces from `firstPiece` to `endPiece`, exclusive. */
export function bytesOfPieces (content: Pick<Content, 'size' | 'pieceLength'>, firstPiece: number, endPiece: number): ByteRange {
  return {
    start: Math.min(content.size, firstPiece * content.pieceLength),
    end: Math.min(content.size, endPiece * content.pieceLength),
  }
}
