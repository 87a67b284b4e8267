/** What a tree takes of a disk: each file up to whole blocks, but for pieces of zeros, and an inode an entry. */
import { statfsSync } from 'node:fs'
import { knownZeros } from '../content/zeros.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { bytesOfPieces, PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'

export interface MeasureTask {
  manifest: ManifestData
  /** What of it is wanted, by the entries' numbers, ascending; all of it if left out. */
  entries?: Uint32Array | undefined
  /** Files that the version before has as well: two numbers each, as `sameFiles` has them. */
  same?: Uint32Array | undefined
  /** On the file system that is meant. */
  folder: string
  /** Whether files have holes there. */
  hasHoles: boolean
}

export interface TreeSize {
  blockBytes: number
  bytes: number
  /** Of these, in files that the version before has as well. */
  sameBytes: number
  inodes: number
  largestFile: number
}

/** A file system that says nothing of blocks has these. */
const BLOCK_BYTES = 4_096

export function measureTree ({ manifest: data, entries, same = new Uint32Array(), folder, hasHoles }: MeasureTask): TreeSize {
  const manifest = Manifest.fromData(data)
  const blockBytes = statfsSync(folder).bsize || BLOCK_BYTES
  // The folder itself.
  const tree: TreeSize = { blockBytes, bytes: blockBytes, sameBytes: 0, inodes: 1, largestFile: 0 }
  let parent = ''
  // Both stand in the manifest's order.
  let nextSame = 1
  for (let i = 0; i < (entries?.length ?? manifest.entryCount); i++) {
    const index = entries?.[i] ?? i
    const size = manifest.sizes[index] ?? 0
    const path = manifest.path(index)
    const folders = newFolders(parent, path)
    parent = path.slice(0, path.lastIndexOf('/') + 1)
    tree.inodes += 1 + folders
    const bytes = Math.ceil((size - (hasHoles ? zeroBytes(manifest, index, size) : 0)) / blockBytes) * blockBytes
    tree.bytes += bytes + folders * blockBytes
    if (same[nextSame] === index) {
      tree.sameBytes += bytes
      nextSame += 2
    }
    tree.largestFile = Math.max(tree.largestFile, size)
  }
  return tree
}

/** Whole pieces of zeros are neither fetched nor written. */
function zeroBytes (manifest: Manifest, index: number, size: number): number {
  const zeros = knownZeros(size)
  if (zeros === undefined) return 0
  const pieceLength = pieceLengthFor(size)
  const [first, end] = [manifest.firstPieceOf(index), manifest.firstPieceOf(index + 1)]
  let bytes = 0
  for (let piece = first; piece < end; piece++) {
    if (zeros.compare(manifest.pieces, piece * PIECE_DIGEST_BYTES, (piece + 1) * PIECE_DIGEST_BYTES) !== 0) continue
    const range = bytesOfPieces({ size, pieceLength }, piece - first, piece - first + 1)
    bytes += range.end - range.start
  }
  return bytes
}

/** How many folders a path is in that the one before was not in. @param before with its last `/` */
function newFolders (before: string, path: string): number {
  let common = 0
  for (let at = path.indexOf('/') + 1; at > 0 && before.startsWith(path.slice(0, at)); at = path.indexOf('/', at) + 1) common = at
  return path.slice(common).split('/').length - 1
}
