/** What was digested before need not be digested again: the digests of files that are as they were. */
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'
import { Manifest } from '../manifest/manifest.js'
import { comparePaths } from '../manifest/path.js'
import { openTreeFile, type KnownEntry, type TreeHead } from './tree-file.js'
import type { TreeIdentities } from './identities.js'
import type { Walked } from './walk.js'

export interface Recalled {
  /** Entry → 1 where its digests are known. */
  known: Uint8Array
  /** What was remembered of this folder; undefined if nothing was. */
  before: TreeHead | undefined
  /** How many files of it were below the folders that could not be read this time. */
  unreadFiles: number
}

/** Fills in the digests that a file of `writeTreeFile` has of a tree that was just walked. */
export function recall ({ manifest: data, identities, leftOut }: Walked, treeFile: string | undefined): Recalled {
  const manifest = Manifest.fromData(data)
  const nothing = { known: knownOf(manifest), before: undefined, unreadFiles: 0 }
  const file = treeFile === undefined ? undefined : openTreeFile(treeFile)
  if (file === undefined) return nothing
  try {
    const known = knownOf(manifest)
    let unreadFiles = 0
    let index = 0
    for (const before of file.entries()) {
      if (before.entry.kind === 'file' && isBelowAny(before.entry.path, leftOut.folders)) unreadFiles++
      const bytes = Buffer.from(before.entry.path)
      const slice = { bytes, start: 0, end: bytes.length }
      let order = -1
      while (index < manifest.entryCount && (order = comparePaths(manifest.pathSlice(index), slice)) < 0) index++
      if (order !== 0 || index === manifest.entryCount) continue
      if (file.head.allExecutable === true && before.entry.kind === 'file' && manifest.isFile(index)) manifest.setExecutable(index, before.entry.isExecutable)
      if (!isSame(manifest, identities, index, before)) continue
      if (before.entry.kind === 'file') manifest.pieces.set(before.entry.digests, manifest.firstPieceOf(index) * PIECE_DIGEST_BYTES)
      known[index] = 1
    }
    return file.isWhole ? { known, before: file.head, unreadFiles } : nothing
  } finally {
    file.close()
  }
}

function isSame (manifest: Manifest, identities: TreeIdentities, index: number, { entry, ...was }: KnownEntry): boolean {
  if (entry.kind !== 'file' || !manifest.isFile(index)) return false
  return was.ctimeNs !== 0n && identities.ino[index] === was.ino && identities.size[index] === was.size &&
    identities.mtimeNs[index] === was.mtimeNs && identities.ctimeNs[index] === was.ctimeNs
}

function isBelowAny (path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`))
}

/** What is empty has no digests to wait for. */
function knownOf (manifest: Manifest): Uint8Array {
  const known = new Uint8Array(new SharedArrayBuffer(manifest.entryCount))
  for (let index = 0; index < manifest.entryCount; index++) if (manifest.firstPieceOf(index) === manifest.firstPieceOf(index + 1)) known[index] = 1
  return known
}
