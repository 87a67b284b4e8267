/**
 * Which pieces are fetched next, and from whom: events in, orders out; no clock, no socket, no file.
 *
 * A part is a run of missing pieces handed to one owner. When it ends, for whatever reason, what it
 * has not brought is missing again (pieces.ts), so a lost part goes on elsewhere from its last
 * good piece.
 *
 * Alone with complete owners a download goes front to back in large parts, which glue best, and in
 * smaller ones towards the end. But all that start at the same instant know nothing of one
 * another: so the first parts are short and at random places, and there is something to exchange.
 * In a swarm partial owners give what they have, rarest first, a few pieces at a time; complete
 * owners give what nobody else has and what they have not just given to somebody, and such a part is
 * ended where it meets what others have got meanwhile.
 *
 * When nothing is missing, idle owners take over from the slowest parts (endgame.ts). When no
 * owner is left that could serve, the download waits a while for one (giving-up.ts).
 *
 * Longer than 250 lines because it is the room's one door: every event, with what it means.
 */
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import { blameFor } from '../protocol/blame.js'
import { Assigner } from './assigner.js'
import { Bitfields } from './bitfields.js'
import { RunChooser } from './choose-run.js'
import type { ScheduleFailure } from './failure.js'
import { GivingUp } from './giving-up.js'
import type { Machine, Order } from './orders.js'
import type { Owner, ScheduledOwner } from './owner.js'
import { Owners } from './owners.js'
import { isUseless, rateOf, type Part } from './part.js'
import { Pieces } from './pieces.js'
import { DEFAULT_POLICY, type SchedulePolicy } from './policy.js'
import { Reading } from './reading.js'
import { partsToShorten } from './shorten.js'
import { takeBackSlow, tooSlow } from './too-slow.js'
import { TrackerQuestions } from './tracker-questions.js'

export class Schedule {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #bitfields: Bitfields
  readonly #owners: Owners
  readonly #reading: Reading
  readonly #assigner: Assigner
  readonly #givingUp: GivingUp
  readonly #tracker: TrackerQuestions
  /** Parts all of whose pieces have been fetched elsewhere. */
  readonly #useless = new Set<Part>()
  /** When running parts are looked at next, whether they had better end. */
  #lookMs = -Infinity

  constructor (pieceCount: number, policy: Partial<SchedulePolicy> = {}) {
    this.#policy = { ...DEFAULT_POLICY, ...policy }
    this.#pieces = new Pieces(pieceCount)
    this.#bitfields = new Bitfields(this.#pieces.missing, this.#policy)
    this.#owners = new Owners(this.#policy, this.#bitfields)
    this.#reading = new Reading(this.#policy, this.#pieces)
    const all = { policy: this.#policy, pieces: this.#pieces, owners: this.#owners, reading: this.#reading }
    this.#assigner = new Assigner({ ...all, choose: new RunChooser({ ...all, bitfields: this.#bitfields }) })
    this.#givingUp = new GivingUp(this.#policy, this.#pieces, this.#owners)
    this.#tracker = new TrackerQuestions(this.#policy, this.#pieces, this.#owners)
  }

  /** The pieces that are there and good; to be read only. */
  get done (): PieceSet {
    return this.#pieces.done
  }

  get streamsOfUse (): number {
    return this.#assigner.streamsOfUse
  }

  get isShortOfParts (): boolean {
    return this.#assigner.isShortOfParts
  }

  /** Those that may yet bring what is missing: a download that gets nowhere waits for them. */
  get hopes (): string[] {
    return Array.from(this.#owners.able(this.#pieces.missing), ({ key }) => key)
  }

  /** Missing pieces that none of the owners there are will ever have: each has said that it gets no more. Undefined while one of them may. */
  get lost (): PieceSet | undefined {
    return this.#owners.areFinal && this.#owners.able(this.#pieces.missing).next().done === true ? this.#pieces.missing : undefined
  }

  /**
   * What is to be done now. To be called whenever something was told, and ten times a second.
   * Each order is decided when it is asked for: what the driver tells while it carries out the one before counts.
   */
  * step (nowMs: number, machine: Machine): Generator<Order, void, undefined> {
    this.#assigner.setMachine(machine)
    for (const { id } of this.#useless) yield { order: 'cancel', id }
    this.#useless.clear()
    if (this.#pieces.isDone) return yield { order: 'done' }
    if (nowMs >= this.#lookMs) {
      this.#lookMs = nowMs + this.#policy.lookEveryMs
      for (const { part, endPiece } of partsToShorten(this.#pieces, this.#owners, this.#bitfields, this.#reading)) {
        this.#pieces.shorten(part, endPiece)
        yield { order: 'shorten', id: part.id, endPiece }
      }
      if (!machine.isLimited) {
        for (const { id } of tooSlow(this.#pieces.parts.values(), this.#owners, this.#policy, nowMs)) yield { order: 'cancel', id }
      }
      takeBackSlow(this.#owners, this.#pieces.missing, nowMs)
      if (this.#tracker.isDue(nowMs)) yield { order: 'ask tracker' }
    }
    if (!this.#givingUp.isOver) yield * this.#start(nowMs, machine.slots)
    const failure = this.#givingUp.failure(nowMs, machine.isHeldUp)
    if (failure) return yield { order: 'fail', failure }
    if (machine.mayAsk ?? true) yield * this.#ask(nowMs)
  }

  /** Pieces that are there already, from an earlier run, or that are done without. */
  have (firstPiece: number, endPiece: number): void {
    this.#pieces.setDone(firstPiece, endPiece)
  }

  /** What is read while it comes is fetched first, and then what follows it. @param ranges what each reader is at, and where it ends; in the place of those of before */
  readFirst (ranges: readonly PieceRange[]): void {
    this.#reading.set(ranges)
    this.#lookMs = -Infinity
  }

  /** The owners that the tracker knows of now. */
  setOwners (owners: readonly ScheduledOwner[], nowMs: number): void {
    this.#tracker.answered(nowMs)
    this.#givingUp.ownersHeard(nowMs)
    this.#owners.set(owners, nowMs)
  }

  /** The tracker did not answer, which says nothing about the owners. */
  trackerFailed (): void {
    this.#tracker.failed()
  }

  /** An owner that is known to send wrong things is never asked. */
  ban (owner: ScheduledOwner, failure: ScheduleFailure): void {
    this.#owners.ban(owner, failure)
  }

  /**
   * What an owner has now. One that is listed as complete and has not all is partial from now on.
   *
   * @param isFinal whether it gets no more
   */
  setHave (key: string, have: PieceSet, nowMs: number, isFinal = false): void {
    const owner = this.#owners.get(key)
    if (owner === undefined || owner.standing.out) return
    const { suspicion } = owner.standing
    const isAll = owner.complete && have.size === have.pieceCount
    if (isAll) this.#bitfields.ended(owner)
    else {
      if (owner.complete) this.#owners.correct(owner)
      const isFirst = owner.knowledge.have === undefined
      if (this.#bitfields.set(owner, have, nowMs, isFinal)) this.#givingUp.swarmGrew()
      if (isFirst) this.#owners.recount()
    }
    if (suspicion === undefined) return
    if (have.has(suspicion.piece)) this.#blame(owner, suspicion.failure, suspicion.sinceMs, nowMs)
    else this.#owners.acquit(owner)
  }

  /** An owner that was waited for answers again: it need not wait any longer. */
  isBack (key: string, nowMs: number): void {
    this.#owners.endPause(key, nowMs)
  }

  /** What a complete owner gave away lately; undefined if it does not say so. */
  setSent (key: string, sent: PieceSet | undefined, nowMs: number): void {
    const owner = this.#owners.get(key)
    if (owner?.complete) this.#bitfields.setSent(owner, sent, nowMs)
  }

  /** An owner did not say what it was asked. */
  askFailed (key: string, failure: ScheduleFailure, nowMs: number): void {
    const owner = this.#owners.get(key)
    if (owner === undefined) return
    this.#bitfields.ended(owner)
    // It is asked for pieces all the same: that is where its failures count.
    if (owner.complete && !owner.standing.suspicion) this.#bitfields.setSent(owner, undefined, nowMs)
    else this.#blame(owner, failure, nowMs, nowMs)
  }

  /** How far a running part has come. */
  progress (id: number, verifiedPiece: number, receivedBytes: number, nowMs: number): void {
    const part = this.#pieces.parts.get(id)
    if (part === undefined) return
    if (receivedBytes > part.receivedBytes) part.lastByteMs = nowMs
    part.receivedBytes = receivedBytes
    if (verifiedPiece <= part.verifiedPiece) return
    this.#pieces.setDone(part.verifiedPiece, Math.min(verifiedPiece, part.endPiece))
    part.verifiedPiece = verifiedPiece
    part.lastPieceMs = nowMs
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) return
    this.#owners.served(owner)
    // What is within its limit after a pause comes at once, and tells little of how quick a complete owner is.
    if (!owner.complete || nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
  }

  /** How long a round trip to an owner takes. */
  setRoundTrip (key: string, ms: number): void {
    const owner = this.#owners.get(key)
    if (owner) this.#owners.setRoundTrip(owner, ms)
  }

  /** A part has ended: all of its pieces are good, or `failure` says why not. */
  ended (id: number, nowMs: number, failure?: ScheduleFailure): void {
    const part = this.#pieces.parts.get(id)
    if (part === undefined) return
    this.#pieces.end(part)
    this.#useless.delete(part)
    const owner = this.#owners.get(part.owner)
    if (owner) {
      owner.streams--
      // One that was cut short for being slow is known to be so.
      if (nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
      if (part.isGivenUp) this.#owners.setAside(owner, nowMs)
      if (failure?.code === 'E_PROTOCOL') this.#owners.suspect(owner, { failure, piece: part.verifiedPiece, sinceMs: part.startedMs })
      else if (failure) this.#blame(owner, failure, part.startedMs, nowMs)
    }
    for (const other of this.#pieces.parts.values()) if (isUseless(other, this.#pieces.done)) this.#useless.add(other)
  }

  * #start (nowMs: number, slots: number): Generator<Order> {
    for (; slots > 0; slots--) {
      const assignment = this.#assigner.next(nowMs)
      if (assignment === undefined) return
      const { part: { id, owner, firstPiece, endPiece, isPatient }, shortened } = assignment
      if (shortened) yield { order: 'shorten', id: shortened.id, endPiece: shortened.endPiece }
      yield { order: 'start', part: { id, owner, firstPiece, endPiece, isPatient } }
    }
  }

  * #ask (nowMs: number): Generator<Order> {
    for (const { key, complete, standing } of this.#bitfields.toAsk(this.#owners.all(), nowMs)) {
      yield { order: complete && !standing.suspicion ? 'ask sent' : 'ask have', owner: key }
    }
  }

  /** @param sinceMs when the owner was asked for what has failed */
  #blame (owner: Owner, failure: ScheduleFailure, sinceMs: number, nowMs: number): void {
    const { code } = failure
    if (blameFor(code) === 'nobody') return
    if (code === 'E_LIMIT' && this.#pieces.parts.size > 0) {
      // This machine has run out of something, but what runs may bring the rest.
      this.#assigner.takeNoMore()
      this.#owners.acquit(owner)
      this.#bitfields.postpone(owner, nowMs + this.#policy.haveRarelyMs)
      return
    }
    this.#givingUp.failed(failure)
    if (blameFor(code) !== 'ours') this.#owners.blame(owner, failure, sinceMs, nowMs)
  }
}
