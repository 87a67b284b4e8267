/**
 * The folders that a node offers, by name; and the versions before them, which are not announced any
 * more and answer by their digest: whoever needs longer than the next upload is to come to an end.
 */
import { KEPT_VERSIONS } from '../protocol/limits.js'
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import { sameFiles } from '../tree/compare-trees.js'
import type { ArrivingFolder, FolderName, FolderShare } from './folder-share.js'

/** A version that another has taken the place of. */
export interface KeptFolder {
  share: FolderShare
  /** When it was asked for last, by `performance.now`. */
  askedMs: number
}

export class FolderShares {
  readonly #current = new Map<string, FolderShare>()
  /** The one that was replaced first comes first. */
  readonly #kept: KeptFolder[] = []

  /** @returns versions that are not offered any more, as there are too many of that name */
  add (share: FolderShare, nowMs: number): FolderName[] {
    const { filename, digest } = share
    const before = this.#current.get(filename)
    this.#current.set(filename, share)
    const again = this.#kept.findIndex((kept) => kept.share.filename === filename && kept.share.digest === digest)
    if (again >= 0) this.#kept.splice(again, 1)
    if (before === undefined || before.digest === digest) return []
    this.#kept.push({ share: olderVersion(before, share), askedMs: nowMs })
    const versions = this.#kept.filter((kept) => kept.share.filename === filename)
    return versions.slice(0, -KEPT_VERSIONS).map((kept) => this.#forget(kept))
  }

  /** @returns all that was offered under that name */
  remove (filename: string): FolderName[] {
    const current = this.#current.get(filename)
    this.#current.delete(filename)
    const kept = this.#kept.filter(({ share }) => share.filename === filename).map((kept) => this.#forget(kept))
    return current ? [...kept, current] : kept
  }

  /** A version that nobody has asked for lately. */
  drop ({ share }: KeptFolder): void {
    const at = this.#kept.findIndex((kept) => kept.share === share)
    if (at >= 0) this.#kept.splice(at, 1)
  }

  /** Whatever is announced under that name. */
  current (filename: string): FolderShare | undefined {
    return this.#current.get(filename)
  }

  /** Somebody asks. @param digest what is announced under that name if left out */
  asked (filename: string, digest: string | undefined, nowMs: number): FolderShare | undefined {
    const current = this.#current.get(filename)
    if (digest === undefined || current?.digest === digest) return current
    const kept = this.#kept.find(({ share }) => share.filename === filename && share.digest === digest)
    if (kept) kept.askedMs = nowMs
    return kept?.share
  }

  /** Of any version. */
  find (filename: string, digest: string): FolderShare | undefined {
    return this.all.find((share) => share.filename === filename && share.digest === digest)
  }

  /** Pieces are not here any more. @returns the share, if that is news */
  lack (filename: string, digest: string, { firstPiece, endPiece }: PieceRange): FolderShare | undefined {
    const share = this.find(filename, digest)
    if (share === undefined) return undefined
    share.lacks ??= new PieceSet(share.manifest.pieceCount)
    const before = share.lacks.size
    share.lacks.addRange(firstPiece, endPiece)
    return share.lacks.size > before ? share : undefined
  }

  /** Pieces of a folder that is being downloaded have come. @returns the share, if it is new; undefined as well where it can't be offered */
  gain (folder: ArrivingFolder, { firstPiece, endPiece }: PieceRange): FolderShare | undefined {
    const there = this.#current.get(folder.filename)
    if (there?.digest === folder.digest && there.identities === undefined) there.lacks?.deleteRange(firstPiece, endPiece)
    // Another version that is here goes on to be offered until the new one is whole.
    if (there !== undefined) return undefined
    const lacks = new PieceSet(folder.manifest.pieceCount)
    lacks.addRange(0, lacks.pieceCount)
    lacks.deleteRange(firstPiece, endPiece)
    const share = { ...folder, identities: undefined, lacks }
    this.#current.set(folder.filename, share)
    return share
  }

  get size (): number {
    return this.#current.size
  }

  get kept (): readonly KeptFolder[] {
    return this.#kept
  }

  /** Whatever is served. */
  get all (): FolderShare[] {
    return [...this.#current.values(), ...this.#kept.map(({ share }) => share)]
  }

  /** Those that are announced. */
  [Symbol.iterator] (): IterableIterator<FolderShare> {
    return this.#current.values()
  }

  #forget (kept: KeptFolder): FolderShare {
    this.drop(kept)
    return kept.share
  }
}

/** What is left of a folder in the one that takes its place on the disk: files that are the same in both, and are as they are now. */
function olderVersion (before: FolderShare, now: FolderShare): FolderShare {
  const same = sameFiles(before.manifest, now.manifest)
  const lacks = new PieceSet(before.manifest.pieceCount)
  lacks.addRange(0, lacks.pieceCount)
  const [were, are] = [before.identities, now.identities]
  if (were === undefined || are === undefined) return { ...before, lacks }
  for (let at = 0; at < same.length; at += 2) {
    const [there, here] = [same[at] ?? 0, same[at + 1] ?? 0]
    const firstPiece = before.manifest.firstPieceOf(there)
    const endPiece = before.manifest.firstPieceOf(there + 1)
    for (const field of ['dev', 'ino', 'mtimeNs', 'ctimeNs'] as const) were[field][there] = are[field][here] ?? 0n
    lacks.deleteRange(firstPiece, endPiece)
    if (now.lacks) for (let piece = firstPiece; piece < endPiece; piece++) if (now.lacks.has(now.manifest.firstPieceOf(here) + piece - firstPiece)) lacks.add(piece)
  }
  const { lacks: _known, ...share } = before
  return { ...share, path: now.path, ...(lacks.size > 0 && { lacks }) }
}
