/**
 * A folder that this node offers. Its pieces are those of its files, in the manifest's order. A file that
 * changed or is gone takes its pieces out of what is offered, and nothing else: a log that grows must not
 * take a terabyte out of the network.
 */
import type { PieceList } from '../content/digest.js'
import { PieceSet } from '../content/piece-set.js'
import type { Manifest, ManifestData } from '../manifest/manifest.js'
import type { Content } from '../protocol/content.js'
import type { ErrorData } from '../protocol/errors.js'
import { sameFiles } from '../tree/compare-trees.js'
import type { DigestedTree } from '../tree/digest-tree.js'
import type { TreeIdentities } from '../tree/identities.js'

/** As it was when it was digested. `size` and `pieceLength` are its manifest's. */
export interface FolderShare extends Content {
  kind: 'folder'
  filename: string
  /** Where it lies, absolute: nobody else is told. */
  path: string
  /** The digests of the manifest's pieces. */
  pieces: PieceList
  manifest: Manifest
  /**
   * By entry. In memory that threads share: what is written to it all of them see. Left out while the folder is being downloaded, and lies
   * where nobody else writes.
   */
  identities: TreeIdentities | undefined
  /** Pieces of its files that are not here, or not any more; at least one, or it is left out. */
  lacks?: PieceSet | undefined
  /** Whether it came by an upload, not by a download. */
  origin?: boolean
  /** Digests of what its origin had uploaded under that name before. */
  replaces?: readonly string[] | undefined
}

/** A folder that is being downloaded, and lies hidden. */
export type ArrivingFolder = Omit<FolderShare, 'lacks' | 'identities' | 'origin'>

/** Which folder it is, of a node's. */
export type FolderName = Pick<FolderShare, 'filename' | 'digest'>

/** What the thread that serves has to tell of a folder: of a file, by its number in the manifest, or of a piece. */
export type FolderEvent =
  /** Its bytes are not what was announced. */
  | { what: 'lost', entry: number }
  /** Something about it is not as it was; its bytes may be. */
  | { what: 'suspect', entry: number }
  /** The disk does not give it. */
  | { what: 'unreadable', piece: number, error: ErrorData }

/** A folder for the thread that serves. */
export interface FolderShareData extends Pick<FolderShare, 'filename' | 'path' | 'size' | 'digest' | 'pieceLength' | 'identities'> {
  manifest: ManifestData
  /** As on the wire. */
  lacks: Uint8Array | undefined
}

export function folderShareData ({ filename, path, size, digest, pieceLength, identities, manifest, lacks }: FolderShare): FolderShareData {
  return { filename, path, size, digest, pieceLength, identities, manifest: manifest.data, lacks: lacks?.toBytes() }
}

/** Which of its pieces are here. */
export function piecesHere ({ manifest, lacks }: Pick<FolderShare, 'manifest' | 'lacks'>): PieceSet {
  const here = new PieceSet(manifest.pieceCount)
  here.addRange(0, here.pieceCount)
  for (const { firstPiece, endPiece } of lacks?.ranges() ?? []) here.deleteRange(firstPiece, endPiece)
  return here
}

/** The files of a share that are not the same any more; of the others it is known what they are now. */
export function lostOf ({ manifest, identities }: FolderShare, now: Pick<DigestedTree, 'manifest' | 'identities'>): number[] {
  const same = sameFiles(manifest, now.manifest)
  const lost: number[] = []
  for (let entry = 0, at = 0; entry < manifest.entryCount; entry++) {
    if (!manifest.isFile(entry)) continue
    if (same[at] !== entry) {
      lost.push(entry)
      continue
    }
    const there = same[at + 1] ?? 0
    if (identities) for (const field of ['dev', 'ino', 'mtimeNs', 'ctimeNs'] as const) identities[field][entry] = now.identities[field][there] ?? 0n
    at += 2
  }
  return lost
}

/** All pieces but those of some entries. */
export function piecesBeside (entries: Uint32Array, manifest: Manifest): PieceSet {
  const beside = new PieceSet(manifest.pieceCount)
  beside.addRange(0, beside.pieceCount)
  for (const entry of entries) beside.deleteRange(manifest.firstPieceOf(entry), manifest.firstPieceOf(entry + 1))
  return beside
}
