/** Who has which piece: the bitfields of the partial owners, how rare that makes each piece, and whose is to be asked for again. */
import { PieceSet } from '../content/piece-set.js'
import { Availability } from './availability.js'
import type { Owner } from './owner.js'
import type { SchedulePolicy } from './policy.js'

export class Bitfields {
  readonly availability: Availability
  readonly #policy: SchedulePolicy
  readonly #missing: PieceSet
  /** Owners that are being asked. */
  readonly #asking = new Set<Owner>()
  /** Complete owners that are to be asked what they gave away. */
  readonly #wanted = new Set<Owner>()
  /** Before this nobody is to be asked. */
  #dueMs = -Infinity

  constructor (missing: PieceSet, policy: SchedulePolicy) {
    this.availability = new Availability(missing.pieceCount)
    this.#missing = missing
    this.#policy = policy
  }

  /** Those to be asked now; each counts as being asked until it is `set`, or its asking `ended`. */
  toAsk (owners: Iterable<Owner>, nowMs: number): Owner[] {
    const due: Owner[] = []
    if (nowMs < this.#dueMs) return due
    this.#dueMs = Infinity
    for (const owner of owners) {
      if ((owner.complete && !this.#wanted.has(owner)) || owner.standing.out || this.#asking.has(owner)) continue
      if (owner.knowledge.dueMs > nowMs || (this.#asking.size >= this.#policy.havesAtOnce && !owner.complete)) {
        this.#dueMs = Math.min(this.#dueMs, owner.knowledge.dueMs)
        continue
      }
      this.#asking.add(owner)
      this.#wanted.delete(owner)
      due.push(owner)
    }
    return due
  }

  /** It is not being asked any more, or is new. */
  ended (owner: Owner): void {
    this.#asking.delete(owner)
    this.#dueMs = -Infinity
  }

  /** Whether what a complete owner gave away lately is known well enough to choose by; if not it is to be asked. */
  isSentKnown (owner: Owner, nowMs: number): boolean {
    if (nowMs - owner.knowledge.sentMs <= this.#policy.sentFreshMs) return true
    this.#wanted.add(owner)
    this.#dueMs = Math.min(this.#dueMs, owner.knowledge.dueMs)
    return false
  }

  /** What a complete owner gave away lately. */
  setSent (owner: Owner, sent: PieceSet | undefined, nowMs: number): void {
    this.#asking.delete(owner)
    owner.knowledge.sent = sent
    owner.knowledge.sentMs = nowMs
  }

  /** @returns whether it has a piece that it was not known to have. */
  set (owner: Owner, have: PieceSet, nowMs: number, isFinal = false): boolean {
    const { knowledge } = owner
    this.#asking.delete(owner)
    const before = knowledge.have?.size ?? 0
    this.availability.change(knowledge.have, have)
    knowledge.have ??= new PieceSet(have.pieceCount)
    knowledge.have.assign(have)
    knowledge.isFinal = isFinal
    knowledge.nothingAt = -1
    knowledge.dueMs = nowMs + this.#pauseMs(have, isFinal)
    this.#dueMs = Math.min(this.#dueMs, knowledge.dueMs)
    return have.size > before
  }

  /** It has not all, whatever the tracker says. */
  correct (owner: Owner): void {
    this.#wanted.delete(owner)
    owner.knowledge.isCorrected = true
  }

  /** What it had counts no more; what it has now is to be asked. */
  drop (owner: Owner, nowMs = -Infinity): void {
    const { knowledge } = owner
    this.ended(owner)
    this.#wanted.delete(owner)
    this.availability.change(knowledge.have, undefined)
    knowledge.have = undefined
    knowledge.dueMs = nowMs
  }

  /** Before this it is not asked. */
  postpone (owner: Owner, dueMs: number): void {
    owner.knowledge.dueMs = Math.max(owner.knowledge.dueMs, dueMs)
  }

  /** It is to be asked at once what it has, complete or not, unless it is being asked already. */
  askNow (owner: Owner): void {
    this.#wanted.add(owner)
    owner.knowledge.dueMs = this.#dueMs = -Infinity
  }

  /** None of what it has is missing. @param returns how many pieces had come to be missing by then */
  hasNothing (owner: Owner, returns: number): void {
    owner.knowledge.nothingAt = returns
  }

  /** One that has plenty to give need not be asked for more so soon, and one that has it all gets no more. */
  #pauseMs (have: PieceSet, isFinal: boolean): number {
    const { haveEveryMs, haveRarelyMs, plentyPieces } = this.#policy
    if (isFinal || have.size === have.pieceCount) return Infinity
    return have.countCommon(this.#missing, plentyPieces + 1) > plentyPieces ? haveRarelyMs : haveEveryMs
  }
}
