/**
 * Digests the files of a tree, many small ones or a run of pieces of a large one, in a worker thread.
 * It has one of them open at a time, and looks before and after whether it is the one that was walked.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { blake3 } from '@napi-rs/blake-hash'
import { digestPieces } from '../disk/digest-pieces.js'
import { toDiskError } from '../disk/disk-error.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { MIN_PIECE_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { isUnchanged, type TreeIdentities } from './identities.js'
import { TreeControl } from './tree-control.js'

export interface DigestFilesTask {
  root: string
  manifest: ManifestData
  identities: TreeIdentities
  /** Entry → 1 where its digests are known already. */
  known: Uint8Array
  /** A run of pieces of the whole folder. */
  firstPiece: number
  endPiece: number
  /** The entry that the first of them is of. */
  firstEntry: number
  control: SharedArrayBuffer
}

/** Entries that can't be digested, by their numbers. */
export interface Undigested {
  /** Written to, replaced or gone since they were looked at. */
  changed: number[]
  unreadable: number[]
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** Of a file that is none any more, or another kind of thing. */
const CHANGED = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'ENXIO', 'ENODEV'])
const UNREADABLE = new Set(['EACCES', 'EPERM'])

let buffer: Buffer | undefined

/** Writes the digests into the manifest. @throws E_IO with the path; E_LIMIT, E_INTERRUPTED. */
export function digestFiles (task: DigestFilesTask): Undigested {
  const { known, firstPiece, endPiece, firstEntry } = task
  const manifest = Manifest.fromData(task.manifest)
  const control = new TreeControl(task.control)
  const found: Undigested = { changed: [], unreadable: [] }
  for (let index = firstEntry; index < manifest.entryCount && manifest.firstPieceOf(index) < endPiece; index++) {
    if (known[index] === 1) continue
    control.goOn()
    const from = Math.max(firstPiece, manifest.firstPieceOf(index))
    const end = Math.min(endPiece, manifest.firstPieceOf(index + 1))
    const outcome = digestFile(task, manifest, { index, firstPiece: from, endPiece: end })
    if (outcome !== 'digested') found[outcome].push(index)
    const isLast = end === manifest.firstPieceOf(index + 1)
    control.reach(isLast ? 1 : 0, bytesOf(manifest, index, from, end))
  }
  return found
}

/** Where in the folder, and pieces of it. */
interface Run {
  index: number
  firstPiece: number
  endPiece: number
}

function digestFile ({ root, identities }: DigestFilesTask, manifest: Manifest, run: Run): 'digested' | keyof Undigested {
  const path = manifest.path(run.index)
  let fd: number
  try {
    fd = openSync(`${root}/${path}`, FLAGS)
  } catch (error) {
    const code = systemCode(error) ?? ''
    if (CHANGED.has(code)) return 'changed'
    if (UNREADABLE.has(code)) return 'unreadable'
    throw toDiskError(error, `cannot read ${quote(path)}`)
  }
  try {
    if (!isUnchanged(identities, run.index, fstatSync(fd, { bigint: true }))) return 'changed'
    manifest.pieces.set(digest(fd, manifest, run), run.firstPiece * PIECE_DIGEST_BYTES)
    return isUnchanged(identities, run.index, fstatSync(fd, { bigint: true })) ? 'digested' : 'changed'
  } catch (error) {
    if (error instanceof PiecemealError && error.code === 'E_CHANGED') return 'changed'
    throw toDiskError(error, `cannot read ${quote(path)}`)
  } finally {
    closeSync(fd)
  }
}

function digest (fd: number, manifest: Manifest, { index, firstPiece, endPiece }: Run): Buffer {
  const size = manifest.sizes[index] ?? 0
  if (size <= MIN_PIECE_BYTES) return digestSmall(fd, size)
  const first = manifest.firstPieceOf(index)
  return digestPieces({ fd, offset: 0, size, pieceLength: pieceLengthFor(size), firstPiece: firstPiece - first, endPiece: endPiece - first })
}

/** In one read and one call: most of the time of small files goes into calls. */
function digestSmall (fd: number, size: number): Buffer {
  buffer ??= Buffer.allocUnsafeSlow(MIN_PIECE_BYTES)
  let filled = 0
  while (filled < size) {
    const bytesRead = readSync(fd, buffer, filled, size - filled, filled)
    if (bytesRead === 0) throw new PiecemealError('E_CHANGED', 'the file became shorter while it was read')
    filled += bytesRead
  }
  return blake3(buffer.subarray(0, size))
}

function bytesOf (manifest: Manifest, index: number, firstPiece: number, endPiece: number): number {
  const size = manifest.sizes[index] ?? 0
  const pieceLength = pieceLengthFor(size)
  const first = manifest.firstPieceOf(index)
  return Math.min(size, (endPiece - first) * pieceLength) - (firstPiece - first) * pieceLength
}
