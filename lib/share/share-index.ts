import type { PieceList } from '../content/digest.js'
import { isSameFile, type FileIdentity } from '../disk/own-file.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { SHARES_PER_NODE } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'

/** A file that is served: what tells that it is still the one that was announced. */
export interface ServedFile {
  filename: string
  /** Where it lies, absolute: nobody else is told. */
  path: string
  size: number
  digest: string
  identity: FileIdentity
}

/** A file that this node offers, as it was when it was digested. */
export interface Share extends ServedFile, Content {
  pieces: PieceList
  /** Pieces that the disk does not give any more; at least one, or it is left out. */
  lacks?: ReadonlySet<number>
  /** Whether it came by an upload, not by a download. */
  origin?: boolean
  /** Digests of what its origin had uploaded under that name before. */
  replaces?: readonly string[] | undefined
}

/** Without its pieces: enough to say which file it is. */
export function servedFile ({ filename, path, size, digest, identity }: ServedFile): ServedFile {
  return { filename, path, size, digest, identity }
}

/** What a node offers, by name. A name is only ever looked up here, never in the file system. */
export class ShareIndex {
  readonly #shares = new Map<string, Share>()
  /** The same by digest: one content may have several names. */
  readonly #byDigest = new Map<string, Set<Share>>()

  get size (): number {
    return this.#shares.size
  }

  /** @throws E_LIMIT beyond 10,000 files. */
  add (share: Share): void {
    if (this.#shares.size >= SHARES_PER_NODE && !this.#shares.has(share.filename)) {
      throw new PiecemealError('E_LIMIT', `cannot share ${quote(share.filename)}: a node shares at most ${SHARES_PER_NODE} files`)
    }
    this.#forget(this.#shares.get(share.filename))
    this.#shares.set(share.filename, share)
    this.#byDigest.set(share.digest, (this.#byDigest.get(share.digest) ?? new Set()).add(share))
  }

  /** Whether it was there; a newer share of that name stays. */
  remove (file: ServedFile): boolean {
    const share = this.current(file)
    this.#forget(share)
    return share !== undefined && this.#shares.delete(share.filename)
  }

  /** The share that a file was served as, unless the name stands for a newer one by now. */
  current ({ filename, path, digest, identity }: ServedFile): Share | undefined {
    const share = this.#shares.get(filename)
    return share?.path === path && share.digest === digest && isSameFile(share.identity, identity) ? share : undefined
  }

  /**
   * @param digest whichever is shared under that name if left out
   * @throws E_NOT_SHARED, the same whether or not there is such a file.
   */
  get (filename: string, digest?: string): Share {
    const share = this.#shares.get(filename)
    if (share !== undefined && (digest === undefined || digest === share.digest)) return share
    throw new PiecemealError('E_NOT_SHARED', `${quote(filename)} is not shared here${digest === undefined ? '' : ' with that digest'}`)
  }

  has (filename: string): boolean {
    return this.#shares.has(filename)
  }

  /** Whatever has that content, under any name. */
  withDigest (digest: string): Iterable<Share> {
    return this.#byDigest.get(digest) ?? []
  }

  [Symbol.iterator] (): IterableIterator<Share> {
    return this.#shares.values()
  }

  #forget (share: Share | undefined): void {
    if (share === undefined) return
    const same = this.#byDigest.get(share.digest)
    same?.delete(share)
    if (same?.size === 0) this.#byDigest.delete(share.digest)
  }
}
