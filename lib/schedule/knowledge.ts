/** What is known of the pieces of one owner. */
import type { PieceSet } from '../content/piece-set.js'

export class Knowledge {
  /** What a partial owner has, as far as is known. */
  have: PieceSet | undefined
  /** When to ask a partial owner again what it has; a complete one is not asked before what it gave away. */
  dueMs: number
  /** What a complete owner gave away lately, if it says so, as of `sentMs`. */
  sent: PieceSet | undefined
  sentMs = -Infinity
  /** `returns` of the pieces when it was last seen to have none that is missing; -1 if it may have one. */
  nothingAt = -1
  /** Whether it gets no more pieces. */
  isFinal = false
  /** Whether it said that it has not all, though the tracker lists it as complete. */
  isCorrected = false

  constructor (nowMs: number) {
    this.dueMs = nowMs
  }
}
