/**
 * What an earlier run has left in a tree that it had not finished: only the digests tell, whatever
 * happened to the process that wrote it, or to its machine. Runs in a worker thread.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
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
    if ((manifest.sizes[index] ?? 0) > 0) kept.push(...piecesOf(manifest, index, root))
  }
  return Uint32Array.from(kept)
}

function piecesOf (manifest: Manifest, index: number, root: string): number[] {
  const path = manifest.path(index)
  try {
    const fd = openSync(`${root}/${path}`, FLAGS)
    try {
      return goodPieces(fd, manifest, index)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (diskCode(error) === 'ENOENT') return []
    throw toDiskError(error, `cannot read ${quote(path)}`)
  }
}

function goodPieces (fd: number, manifest: Manifest, index: number): number[] {
  const size = manifest.sizes[index] ?? 0
  const there = fstatSync(fd).size
  const firstPiece = manifest.firstPieceOf(index)
  const pieceLength = pieceLengthFor(size)
  const endPiece = there === size ? manifest.firstPieceOf(index + 1) - firstPiece : Math.floor(Math.min(there, size) / pieceLength)
  if (endPiece === 0) return []
  const digests = digestPieces({ fd, offset: 0, size, pieceLength, firstPiece: 0, endPiece })
  const wanted = manifest.pieces.subarray(firstPiece * PIECE_DIGEST_BYTES)
  const good: number[] = []
  for (let piece = 0, at = 0; piece < endPiece; piece++, at += PIECE_DIGEST_BYTES) {
    if (digests.compare(wanted, at, at + PIECE_DIGEST_BYTES, at, at + PIECE_DIGEST_BYTES) === 0) good.push(firstPiece + piece)
  }
  return good
}
