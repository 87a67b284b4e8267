/**
 * Which pieces of a shared file are known to be those that were announced, for the file as it is.
 *
 * A file is trusted as it was when it was digested. Any change takes the trust away, even one of its
 * mode or its number of links: a file system has nothing that tells a `chmod` from bytes that were
 * written and dated back. Piece by piece the trust is earned again. A file that was replaced, but is
 * still open, has its own trust, beside that of the file in its place.
 */
import { identityKey, type FileIdentity } from '../disk/own-file.js'
import { PieceSet } from '../content/piece-set.js'
import { pieceCount, type Content } from '../protocol/content.js'
import { FILE_STATES } from '../protocol/limits.js'

export class Trust {
  readonly #pieceCount: number
  /** The pieces that are good, by what the file was when they were digested, the latest last. */
  readonly #good = new Map<string, PieceSet>()

  /** @param identity of the file when all of it was digested */
  constructor ({ identity, ...content }: Content & { identity: FileIdentity }) {
    this.#pieceCount = pieceCount(content)
    this.in(identity).addRange(0, this.#pieceCount)
  }

  /** The good pieces of the file while it is like this; whoever digests one more adds it. */
  in (identity: FileIdentity): PieceSet {
    const key = identityKey(identity)
    const known = this.#good.get(key)
    if (known) return known
    const [oldest] = this.#good.keys()
    // What is forgotten is digested again.
    if (this.#good.size >= FILE_STATES && oldest !== undefined) this.#good.delete(oldest)
    const none = new PieceSet(this.#pieceCount)
    this.#good.set(key, none)
    return none
  }
}
