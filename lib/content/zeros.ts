/**
 * Pieces of zeros: their digests are known beforehand, so nobody has to send, write or even ask for
 * them. Disk images and databases are full of them.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { bytesOfPieces, PIECE_DIGEST_BYTES, pieceCount, pieceLengthFor, type Content } from '../protocol/content.js'
import { GiB, KiB, MiB } from '../protocol/units.js'
import { isPieceListOf, type PieceList } from './digest.js'
import type { FolderLayout } from './layout.js'
import { PieceSet } from './piece-set.js'

const ZEROS = Buffer.alloc(64 * KiB)
/** Hashed at a time by a thread that has other things to do. */
const STEP_BYTES = 4 * MiB
/** To hash one takes a second or less; larger pieces, of sizes that anybody may make up, are fetched whatever is in them. */
const LARGEST_PIECE_BYTES = GiB

/** Of whole pieces, by length: one for each power of two at most. */
const wholePieces = new Map<number, Buffer>()

export function isZeros (bytes: Buffer, start = 0, end = bytes.length): boolean {
  // Random bytes are seen to be no zeros at the first of them, without a call.
  if (start < end && bytes[start] !== 0) return false
  for (let at = start; at < end; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, end - at)
    if (ZEROS.compare(bytes, at, at + length, 0, length) !== 0) return false
  }
  return true
}

/** The digest of a whole piece of zeros. @param pieceLength a power of two */
export function digestOfZeros (pieceLength: number): Buffer {
  const digest = wholePieces.get(pieceLength) ?? hashZeros(pieceLength)
  wholePieces.set(pieceLength, digest)
  return digest
}

/** The digest of a whole piece of a file of this size, if it were of zeros; undefined where there is none, or it takes too long. In a thread that has the time. */
export function knownZeros (size: number): Buffer | undefined {
  const pieceLength = pieceLengthFor(size)
  return size < pieceLength || pieceLength > LARGEST_PIECE_BYTES ? undefined : digestOfZeros(pieceLength)
}

/** Which pieces of a content are zeros, by their digests. */
export async function zeroPieces (content: Pick<Content, 'size' | 'pieceLength'>, pieces: PieceList): Promise<PieceSet> {
  const zeros = await listIfZeros(content)
  const found = new PieceSet(pieceCount(content))
  for (let piece = 0, at = 0; at < (zeros?.length ?? 0); piece++, at += PIECE_DIGEST_BYTES) {
    if (zeros?.compare(pieces, at, at + PIECE_DIGEST_BYTES, at, at + PIECE_DIGEST_BYTES) === 0) found.add(piece)
  }
  return found
}

/** The same of files that follow one another. Without a whole piece of zeros a file is not looked at: to hash its end takes longer than to fetch it. */
export async function zeroPiecesOfFiles (layout: FolderLayout, pieces: PieceList): Promise<PieceSet> {
  const found = new PieceSet(layout.pieceCount)
  for (let file = 0; file < layout.fileCount; file++) {
    const size = layout.offsetOfFile(file + 1) - layout.offsetOfFile(file)
    const pieceLength = pieceLengthFor(size)
    if (size < pieceLength || pieceLength > LARGEST_PIECE_BYTES) continue
    const firstPiece = layout.firstPieceOf(file)
    const list = pieces.subarray(firstPiece * PIECE_DIGEST_BYTES, layout.firstPieceOf(file + 1) * PIECE_DIGEST_BYTES)
    if (!list.includes(await wholePiece(pieceLength))) continue
    for (const range of (await zeroPieces({ size, pieceLength }, list)).ranges()) found.addRange(firstPiece + range.firstPiece, firstPiece + range.endPiece)
  }
  return found
}

/** The piece list of a content that is zeros from end to end, by its digest; undefined of any other. */
export async function listOfZeros (content: Content): Promise<PieceList | undefined> {
  const zeros = await listIfZeros(content)
  return zeros && isPieceListOf(content, zeros) ? zeros : undefined
}

/** The piece list of so many zeros. */
async function listIfZeros (content: Pick<Content, 'size' | 'pieceLength'>): Promise<PieceList | undefined> {
  const { pieceLength } = content
  if (pieceLength > LARGEST_PIECE_BYTES) return undefined
  const count = pieceCount(content)
  const list = Buffer.alloc(count * PIECE_DIGEST_BYTES)
  if (count > 1) list.fill(await wholePiece(pieceLength))
  if (count > 0) {
    const { start, end } = bytesOfPieces(content, count - 1, count)
    list.set(end - start === pieceLength ? await wholePiece(pieceLength) : await hashInTurns(end - start), (count - 1) * PIECE_DIGEST_BYTES)
  }
  return list
}

async function wholePiece (pieceLength: number): Promise<Buffer> {
  const digest = wholePieces.get(pieceLength) ?? await hashInTurns(pieceLength)
  wholePieces.set(pieceLength, digest)
  return digest
}

/** The digest of so many zeros, in a thread that has the time. */
export function hashZeros (length: number): Buffer {
  const steps = hash(length)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

async function hashInTurns (length: number): Promise<Buffer> {
  const steps = hash(length)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await turn()
  }
}

function * hash (length: number): Generator<undefined, Buffer> {
  const hasher = new Blake3Hasher()
  for (let at = 0; at < length; at += ZEROS.length) {
    if (at > 0 && at % STEP_BYTES === 0) yield
    hasher.update(ZEROS.subarray(0, Math.min(ZEROS.length, length - at)))
  }
  return hasher.digestBuffer()
}
