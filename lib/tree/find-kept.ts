/**
 * What an earlier run has left in a tree that it had not finished: only the digests tell, whatever
 * happened to the process that wrote it, or to its machine. Runs in a worker thread.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { knownZeros } from '../content/zeros.js'
import { digestPieces } from '../disk/digest-pieces.js'
import { diskCode, toDiskError } from '../disk/disk-error.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'
import { quote } from '../protocol/names.js'
import { TreeControl } from './tree-control.js'

export interface KeptTask {
  manifest: ManifestData
  /** Those that are looked at, by their numbers. */
  entries: Uint32Array
  root: string
  control: SharedArrayBuffer
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW

/** The pieces that are there and good, by their numbers in the whole folder, ascending. @throws E_IO, E_LIMIT, E_INTERRUPTED. */
export function findKept ({ manifest: data, entries, root, control: buffer }: KeptTask): Uint32Array {
  const manifest = Manifest.fromData(data)
  const control = new TreeControl(buffer)
  const kept: number[] = []
  for (const index of entries) {
    control.goOn()
    if ((manifest.sizes[index] ?? 0) > 0) kept.push(...piecesOf(manifest, index, root, control))
  }
  return Uint32Array.from(kept)
}

function piecesOf (manifest: Manifest, index: number, root: string, control: TreeControl): number[] {
  const path = manifest.path(index)
  try {
    const fd = openSync(`${root}/${path}`, FLAGS)
    try {
      return goodPieces(fd, manifest, index, control)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (diskCode(error) === 'ENOENT') return []
    throw toDiskError(error, `cannot read ${quote(path)}`)
  }
}

function goodPieces (fd: number, manifest: Manifest, index: number, control: TreeControl): number[] {
  const size = manifest.sizes[index] ?? 0
  const there = fstatSync(fd).size
  const firstPiece = manifest.firstPieceOf(index)
  const pieceLength = pieceLengthFor(size)
  const endPiece = there === size ? manifest.firstPieceOf(index + 1) - firstPiece : Math.floor(Math.min(there, size) / pieceLength)
  if (endPiece === 0) return []
  const zeros = knownZeros(size)
  const good: number[] = []
  for (let piece = 0; piece < endPiece; piece++) {
    control.goOn()
    const wanted = manifest.pieces.subarray((firstPiece + piece) * PIECE_DIGEST_BYTES, (firstPiece + piece + 1) * PIECE_DIGEST_BYTES)
    // Those of zeros were never written, and nobody reads a terabyte of holes to know that.
    if (zeros?.equals(wanted)) continue
    if (digestPieces({ fd, offset: 0, size, pieceLength, firstPiece: piece, endPiece: piece + 1 }).equals(wanted)) good.push(firstPiece + piece)
  }
  return good
}
