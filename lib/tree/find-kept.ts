/**
 * What an earlier run has left in a tree that it had not finished: only the digests tell, whatever
 * happened to the process that wrote it, or to its machine. Runs in a worker thread.
 */
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs'
import { knownZeros } from '../content/zeros.js'
import { digestPieces } from '../disk/digest-pieces.js'
import { diskCode, toDiskError } from '../disk/disk-error.js'
import { Holes } from '../disk/holes.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'
import { quote } from '../protocol/names.js'
import { TreeControl } from './tree-control.js'

export interface KeptTask {
  manifest: ManifestData
  /** Those that are looked at, by their numbers. */
  entries: Uint32Array
  root: string
  /**
   * Whether they came from elsewhere as they were, unchecked. One that is not right all over is made anew
   * then: zeros are not written over what stands there.
   */
  isTakenOver?: boolean
  control: SharedArrayBuffer
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** The pieces that are there and good, by their numbers in the whole folder, ascending. @throws E_IO, E_LIMIT, E_INTERRUPTED. */
export function findKept ({ manifest: data, entries, root, isTakenOver = false, control: buffer }: KeptTask): Uint32Array {
  const manifest = Manifest.fromData(data)
  const control = new TreeControl(buffer)
  const kept: number[] = []
  for (const index of entries) {
    control.goOn()
    if ((manifest.sizes[index] ?? 0) > 0) kept.push(...piecesOf(manifest, index, root, isTakenOver, control))
  }
  return Uint32Array.from(kept)
}

function piecesOf (manifest: Manifest, index: number, root: string, isTakenOver: boolean, control: TreeControl): number[] {
  const path = manifest.path(index)
  const place = `${root}/${path}`
  try {
    const fd = openSync(place, FLAGS)
    try {
      const { nlink, size, mode } = fstatSync(fd)
      const isForeign = isTakenOver || nlink > 1
      const { good, isWhole } = goodPieces(fd, manifest, index, isForeign, control)
      if (!isForeign || (isWhole && size === manifest.sizes[index])) return good
      unlink(place, mode & 0o777)
      return []
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (diskCode(error) === 'ENOENT') return []
    throw toDiskError(error, `cannot read ${quote(path)}`)
  }
}

/** What comes goes to a file of its own: never into a link to the version before, which is somebody else's, nor beside bytes that nobody has checked. */
function unlink (place: string, mode: number): void {
  unlinkSync(place)
  closeSync(openSync(place, NEW, mode))
}

/** @param withZeros pieces of zeros are looked at as well, which are written to nobody's file @returns those that have to be fetched otherwise; whether all are right */
function goodPieces (fd: number, manifest: Manifest, index: number, withZeros: boolean, control: TreeControl): { good: number[], isWhole: boolean } {
  const size = manifest.sizes[index] ?? 0
  const there = fstatSync(fd).size
  const firstPiece = manifest.firstPieceOf(index)
  const pieceLength = pieceLengthFor(size)
  const endPiece = there === size ? manifest.firstPieceOf(index + 1) - firstPiece : Math.floor(Math.min(there, size) / pieceLength)
  const zeros = knownZeros(size)
  const good: number[] = []
  let isWhole = endPiece === manifest.firstPieceOf(index + 1) - firstPiece
  // Its end may have come before its beginning.
  const holes = endPiece > 1 ? Holes.of(fd) : undefined
  const isHole = (piece: number): boolean => holes?.has(piece * pieceLength, Math.min(size, (piece + 1) * pieceLength)) ?? false
  try {
    for (let piece = 0; piece < endPiece; piece++) {
      control.goOn()
      const wanted = manifest.pieces.subarray((firstPiece + piece) * PIECE_DIGEST_BYTES, (firstPiece + piece + 1) * PIECE_DIGEST_BYTES)
      // In a file of ours those of zeros were never written, and nobody reads a terabyte of holes to know that.
      const isZeros = zeros?.equals(wanted) === true
      if (isZeros && !withZeros) continue
      const isGood = (isZeros || !isHole(piece)) && digestPieces({ fd, offset: 0, size, pieceLength, firstPiece: piece, endPiece: piece + 1 }).equals(wanted)
      isWhole &&= isGood
      if (isGood && !isZeros) good.push(firstPiece + piece)
    }
  } finally {
    holes?.close()
  }
  return { good, isWhole }
}
