/**
 * What an earlier run has left in a tree that it had not finished: only the digests tell, whatever
 * happened to the process that wrote it, or to its machine. Runs in a worker thread.
 */
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs'
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
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

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
  const place = `${root}/${path}`
  try {
    const fd = openSync(place, FLAGS)
    try {
      const good = goodPieces(fd, manifest, index)
      const { nlink, size, mode } = fstatSync(fd)
      const isWhole = size === manifest.sizes[index] && good.length === manifest.firstPieceOf(index + 1) - manifest.firstPieceOf(index)
      if (nlink === 1 || isWhole) return good
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

/** A file of the version before, taken over as a link, which somebody has written to: what comes goes to a file of its own, never to theirs. */
function unlink (place: string, mode: number): void {
  unlinkSync(place)
  closeSync(openSync(place, NEW, mode))
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
