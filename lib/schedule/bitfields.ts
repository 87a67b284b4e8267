/** Who has which piece: the bitfields of the partial owners, how rare that makes each piece, and whose is to be asked for again. */
import { PieceSet } from '../content/piece-set.js'
import { Availability } from './availability.js'
import type { OwnerState } from './owner.js'
import type { SchedulePolicy } from './policy.js'

export class Bitfields {
  readonly availability: Availability
  readonly #policy: SchedulePolicy
  readonly #missing: PieceSet
  /** Owners that are being asked. */
  readonly #asking = new Set<OwnerState>()
  /** Complete owners that are to be asked what they gave away. */
  readonly #wanted = new Set<OwnerState>()
  /** Before this nobody is to be asked. */
  #dueMs = -Infinity

  constructor (missing: PieceSet, policy: SchedulePolicy) {
    this.availability = new Availability(missing.pieceCount)
    this.#missing = missing
    this.#policy = policy
  }

  /** Those to be asked now; each counts as being asked until it is `set`, or its asking `ended`. */
  toAsk (owners: Iterable<OwnerState>, nowMs: number): OwnerState[] {
    const due: OwnerState[] = []
    if (nowMs < this.#dueMs) return due
    this.#dueMs = Infinity
    for (const owner of owners) {
      if ((owner.complete && !this.#wanted.has(owner)) || owner.out || this.#asking.has(owner)) continue
      if (owner.haveDueMs > nowMs || (this.#asking.size >= this.#policy.havesAtOnce && !owner.complete)) {
        this.#dueMs = Math.min(this.#dueMs, owner.haveDueMs)
        continue
      }
      this.#asking.add(owner)
      this.#wanted.delete(owner)
      due.push(owner)
    }
    return due
  }

  /** It is not being asked any more, or is new. */
  ended (owner: OwnerState): void {
    this.#asking.delete(owner)
    this.#dueMs = -Infinity
  }

  /** Whether what a complete owner gave away lately is known well enough to choose by; if not it is to be asked. */
  isSentKnown (owner: OwnerState, nowMs: number): boolean {
    if (nowMs - owner.sentMs <= this.#policy.sentFreshMs) return true
    this.#wanted.add(owner)
    this.#dueMs = Math.min(this.#dueMs, owner.haveDueMs)
    return false
  }

  /** What a complete owner gave away lately. */
  setSent (owner: OwnerState, sent: PieceSet | undefined, nowMs: number): void {
    this.#asking.delete(owner)
    owner.sent = sent
    owner.sentMs = nowMs
  }

  /** @returns whether it has a piece that it was not known to have. */
  set (owner: OwnerState, have: PieceSet, nowMs: number): boolean {
    this.#asking.delete(owner)
    const before = owner.have?.size ?? 0
    this.availability.change(owner.have, have)
    owner.have ??= new PieceSet(have.pieceCount)
    owner.have.assign(have)
    owner.nothingAt = -1
    owner.haveDueMs = nowMs + this.#pauseMs(have)
    this.#dueMs = Math.min(this.#dueMs, owner.haveDueMs)
    return have.size > before
  }

  /** What it had counts no more; what it has now is to be asked. */
  drop (owner: OwnerState): void {
    this.ended(owner)
    this.#wanted.delete(owner)
    this.availability.change(owner.have, undefined)
    owner.have = undefined
    owner.haveDueMs = -Infinity
  }

  /** One that has plenty to give need not be asked for more so soon, and one that has it all gets no more. */
  #pauseMs (have: PieceSet): number {
    const { haveEveryMs, haveRarelyMs, plentyPieces } = this.#policy
    if (have.size === have.pieceCount) return Infinity
    return have.countCommon(this.#missing) > plentyPieces ? haveRarelyMs : haveEveryMs
  }
}
