/** How many partial owners have each piece; kept up as their bitfields change, never counted anew. */
import { PieceSet } from '../content/piece-set.js'

export class Availability {
  readonly #counts: Uint16Array
  /** Pieces that at least one partial owner has. */
  readonly seen: PieceSet

  constructor (pieceCount: number) {
    this.#counts = new Uint16Array(pieceCount)
    this.seen = new PieceSet(pieceCount)
  }

  /** Partial owners that have this piece. */
  of (piece: number): number {
    return this.#counts[piece] ?? 0
  }

  /** An owner had the pieces `before`, and has those of `after` now; `undefined` for none. */
  change (before: PieceSet | undefined, after: PieceSet | undefined): void {
    const words = this.seen.words.length
    for (let at = 0; at < words; at++) {
      const now = after?.words[at] ?? 0
      let changed = now ^ (before?.words[at] ?? 0)
      if ((changed & now) !== 0) this.seen.addWord(at, changed & now)
      while (changed !== 0) {
        const bit = Math.clz32(changed)
        const mask = 0x80000000 >>> bit
        changed &= ~mask
        const piece = at * 32 + bit
        const count = this.of(piece) + ((now & mask) === 0 ? -1 : 1)
        this.#counts[piece] = count
        if (count === 0) this.seen.delete(piece)
      }
    }
  }
}
