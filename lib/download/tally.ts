/** How much of a content is there, and who has brought it: whoever brings a piece first. */
import type { Layout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'

export class Tally {
  readonly #layout: Layout
  readonly #counted: PieceSet
  readonly #bytesByOwner = new Map<string, number>()
  #bytes = 0

  constructor (layout: Layout) {
    this.#layout = layout
    this.#counted = new PieceSet(layout.pieceCount)
  }

  /** Of all pieces that were counted. */
  get bytes (): number {
    return this.#bytes
  }

  get owners (): Array<{ name: string, bytes: number }> {
    return [...this.#bytesByOwner].map(([name, bytes]) => ({ name, bytes }))
  }

  /** @param owner the name of whoever brought them; none if they were there already */
  count ({ firstPiece, endPiece }: { firstPiece: number, endPiece: number }, owner?: string): void {
    for (let piece = firstPiece; piece < endPiece; piece++) {
      if (this.#counted.has(piece)) continue
      this.#counted.add(piece)
      const bytes = this.#layout.offsetOf(piece + 1) - this.#layout.offsetOf(piece)
      this.#bytes += bytes
      if (owner !== undefined) this.#bytesByOwner.set(owner, (this.#bytesByOwner.get(owner) ?? 0) + bytes)
    }
  }
}
