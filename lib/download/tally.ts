/** How much of a content is there, and who has brought it: whoever brings a piece first. */
import { PieceSet } from '../content/piece-set.js'
import { bytesOfPieces, pieceCount, type Content } from '../protocol/content.js'

export class Tally {
  readonly #content: Content
  readonly #counted: PieceSet
  readonly #bytesByOwner = new Map<string, number>()
  #bytes = 0

  constructor (content: Content) {
    this.#content = content
    this.#counted = new PieceSet(pieceCount(content))
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
      const { start, end } = bytesOfPieces(this.#content, piece, piece + 1)
      this.#bytes += end - start
      if (owner !== undefined) this.#bytesByOwner.set(owner, (this.#bytesByOwner.get(owner) ?? 0) + end - start)
    }
  }
}
