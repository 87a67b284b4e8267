/**
 * Who may write which pieces of the hidden file that is to be the target. A part's window is its
 * alone until its thread has ended; a good piece is never written again. So no late byte, and no
 * second owner of the same piece, spoils what was checked.
 */
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'

export class Windows {
  /** The pieces that are there and good; to be read only. */
  readonly good: PieceSet
  /** Those, and what somebody may be writing. */
  readonly #taken: PieceSet
  /** Those that somebody may have written to, at any time. */
  readonly #soiled: PieceSet

  /** @param isNew whether nobody has written to the file yet */
  constructor (pieceCount: number, isNew = true) {
    this.good = new PieceSet(pieceCount)
    this.#taken = new PieceSet(pieceCount)
    this.#soiled = new PieceSet(pieceCount)
    if (!isNew) this.#soiled.addRange(0, pieceCount)
  }

  /** Whether nobody has ever written there; to be asked before they are taken. */
  isBlank ({ firstPiece, endPiece }: PieceRange): boolean {
    return this.#soiled.firstFrom(firstPiece) >= endPiece
  }

  /** @returns whether all of these pieces are the caller's now; if one of them is another's, none is */
  take ({ firstPiece, endPiece }: PieceRange): boolean {
    if (this.#taken.firstFrom(firstPiece) < endPiece) return false
    this.#taken.addRange(firstPiece, endPiece)
    this.#soiled.addRange(firstPiece, endPiece)
    return true
  }

  /** The caller, whose they are, writes them no more, and they are good. */
  keep ({ firstPiece, endPiece }: PieceRange): void {
    this.#taken.addRange(firstPiece, endPiece)
    this.good.addRange(firstPiece, endPiece)
  }

  /** The caller, whose they are, writes them no more, whatever is in them. */
  giveBack ({ firstPiece, endPiece }: PieceRange): void {
    for (let piece = firstPiece; piece < endPiece; piece++) this.#taken.delete(piece)
  }
}
