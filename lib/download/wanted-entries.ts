/** What of a folder is wanted, by its entries' numbers: counted, made fewer, and the digests of its pieces. */
import type { PieceList } from '../content/digest.js'
import type { Selection } from '../content/selection.js'
import type { Manifest } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'

/** @param entries all if left out @returns the same where nothing is to be left out */
export function without (manifest: Manifest, entries: Uint32Array | undefined, left: readonly number[]): Uint32Array | undefined {
  if (left.length === 0) return entries
  const out = new Set(left)
  return (entries ?? allOf(manifest)).filter((index) => !out.has(index))
}

export function allOf ({ entryCount }: Manifest): Uint32Array {
  return Uint32Array.from({ length: entryCount }, (_, index) => index)
}

/** @param entries all if left out, here and below */
export function filesOf (manifest: Manifest, entries?: Uint32Array): number {
  return entries === undefined ? manifest.head.files : entries.reduce((files, index) => files + (manifest.isFile(index) ? 1 : 0), 0)
}

export function bytesOf (manifest: Manifest, entries?: Uint32Array): number {
  return entries === undefined ? manifest.head.size : entries.reduce((bytes, index) => bytes + (manifest.sizes[index] ?? 0), 0)
}

export function emptyFilesOf (manifest: Manifest, entries: Uint32Array): number {
  return entries.reduce((files, index) => files + (manifest.isFile(index) && manifest.sizes[index] === 0 ? 1 : 0), 0)
}

/** The digests of the wanted pieces, one after the other. */
export function piecesOf (manifest: Manifest, { layout, entries }: Selection): PieceList {
  if (entries.length === manifest.entryCount) return manifest.pieces
  const pieces = Buffer.alloc(layout.pieceCount * PIECE_DIGEST_BYTES)
  let at = 0
  for (const index of entries) at += manifest.pieces.copy(pieces, at, manifest.firstPieceOf(index) * PIECE_DIGEST_BYTES, manifest.firstPieceOf(index + 1) * PIECE_DIGEST_BYTES)
  return pieces
}
