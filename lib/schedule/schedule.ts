/**
 * Which pieces are fetched next, and from whom: sets and moves, no clock, no socket, no file.
 *
 * A part is a run of missing pieces handed to one owner. When it ends, for whatever reason, what it
 * has not brought is missing again (piece-states.ts), so a lost part goes on elsewhere from its last
 * good piece.
 *
 * Alone with complete owners a download goes front to back in large parts, which glue best, and in
 * smaller ones towards the end. But all that start at the same instant know nothing of one
 * another: so the first parts are short and at random places, and there is something to exchange.
 * In a swarm partial owners give what they have, rarest first, a few pieces at a time; complete
 * owners give what nobody else has and what they have not just given to somebody, and `trim` ends such
 * a part where it meets what others have got meanwhile.
 *
 * When nothing is missing, idle owners take over from the slowest parts (endgame.ts). When nobody is
 * left who could serve, it is waited for a while (patience.ts).
 */
import type { PieceSet } from '../content/piece-set.js'
import type { PiecemealError } from '../protocol/errors.js'
import { Bitfields } from './bitfields.js'
import { RunChooser, type Choice } from './choose-run.js'
import { lastPieceOf, slowParts, tailOf } from './endgame.js'
import type { OwnerState, ScheduledOwner, ScheduleFailure } from './owner.js'
import { Owners } from './owners.js'
import { isUseless, rateOf, type Part } from './part.js'
import { GivingUp } from './giving-up.js'
import { Pieces } from './pieces.js'
import { DEFAULT_POLICY, type SchedulePolicy } from './policy.js'

/** What to do next: start a part, and where its pieces come from another part's tail, stop that one earlier. */
export interface Assignment {
  part: Part
  shortened?: Part
}

export class Schedule {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #bitfields: Bitfields
  readonly #owners: Owners
  readonly #choose: RunChooser
  readonly #givingUp: GivingUp
  #mostStreams: number
  #usefulStreams = Infinity
  /** When the first owners were heard of. */
  #startedMs: number | undefined

  constructor (pieceCount: number, policy: Partial<SchedulePolicy> = {}) {
    this.#policy = { ...DEFAULT_POLICY, ...policy }
    this.#mostStreams = this.#policy.streams
    this.#pieces = new Pieces(pieceCount)
    this.#bitfields = new Bitfields(this.#pieces.missing, this.#policy)
    this.#owners = new Owners(this.#policy, this.#bitfields)
    this.#choose = new RunChooser({ policy: this.#policy, pieces: this.#pieces, owners: this.#owners, bitfields: this.#bitfields })
    this.#givingUp = new GivingUp(this.#policy, this.#pieces, this.#owners)
  }

  get isDone (): boolean {
    return this.#pieces.isDone
  }

  get donePieces (): number {
    return this.#pieces.done.size
  }

  /** The pieces that are there and good; to be read only, and it goes on growing. */
  get done (): PieceSet {
    return this.#pieces.done
  }

  /** How long after it was asked the tracker is to be asked for owners again: soon while the download is young, for it might be one of many. */
  ownersEveryMs (nowMs: number): number {
    const { enoughOwners, noOwnersMs, ownersSoonMs, ownersEveryMs, ownersRarelyMs } = this.#policy
    if (this.#pieces.parts.size === 0) return noOwnersMs
    const ageMs = nowMs - (this.#startedMs ?? nowMs)
    return Math.min(Math.max(ownersSoonMs, ageMs / 2), this.#owners.usable < enoughOwners ? ownersEveryMs : ownersRarelyMs)
  }

  /** Pieces that are there already, from an earlier run. */
  have (firstPiece: number, endPiece: number): void {
    this.#pieces.setDone(firstPiece, endPiece)
  }

  /**
   * The owners that the tracker knows of now. New ones join. One that fails and is no longer listed
   * is forgotten, so it may come back; one that serves well stays, whatever the tracker forgot,
   * unless there are more partial ones than are of use.
   */
  setOwners (owners: readonly ScheduledOwner[], nowMs: number): void {
    this.#startedMs ??= nowMs
    this.#givingUp.ownersHeard(nowMs)
    this.#owners.set(owners, nowMs)
  }

  /** An owner that is known to send wrong things is never asked. */
  ban (owner: ScheduledOwner, failure: ScheduleFailure): void {
    this.#owners.ban(owner, failure)
  }

  /**
   * Keys of owners to be asked now: partial ones what they have, complete ones what they gave away lately.
   * For each, `setHave` or `setSent`, or `askFailed` is to follow.
   */
  ownersToAsk (nowMs: number): string[] {
    return this.#bitfields.toAsk(this.#owners.all(), nowMs)
  }

  /** What a partial owner has now. */
  setHave (key: string, have: PieceSet, nowMs: number): void {
    const owner = this.#owners.get(key)
    if (owner === undefined || owner.complete || owner.out) return
    const isFirst = owner.have === undefined
    if (this.#bitfields.set(owner, have, nowMs)) this.#givingUp.hope()
    if (isFirst) this.#owners.hasSaid()
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
    if (owner.complete) this.#bitfields.setSent(owner, undefined, nowMs)
    else this.#blame(owner, failure, nowMs)
  }

  /** What to start now, or undefined; to be called until it gives nothing. */
  next (nowMs: number): Assignment | undefined {
    const { size } = this.#pieces.parts
    if (this.#givingUp.isOver || size >= this.#mostStreams) return undefined
    const useful = Math.min(this.#usefulStreams, this.#fairStreams)
    if (size >= useful && size - this.#slackParts(nowMs) >= useful) return undefined
    return this.#assignMissing(nowMs) ?? this.#takeOver(nowMs)
  }

  /**
   * Ends parts early whose rest had better come from others; each has its `endPiece` lowered, but
   * never below the piece at hand.
   *
   * @returns the parts whose workers are to stop earlier
   */
  trim (): Part[] {
    if (!this.#owners.isSwarm) return []
    const trimmed: Part[] = []
    for (const part of this.#pieces.parts.values()) {
      if (part.cutAt === 'never') continue
      const next = part.verifiedPiece + 1
      const endPiece = part.cutAt === 'swarm' ? next : this.#bitfields.availability.seen.firstFrom(next)
      if (endPiece >= part.endPiece) continue
      this.#pieces.shorten(part, endPiece)
      trimmed.push(part)
    }
    return trimmed
  }

  /** How far a running part has come. */
  progress (id: number, verifiedPiece: number, receivedBytes: number, nowMs: number): void {
    const part = this.#pieces.parts.get(id)
    if (part === undefined) return
    if (receivedBytes > part.receivedBytes) part.lastByteMs = nowMs
    part.receivedBytes = receivedBytes
    if (verifiedPiece <= part.verifiedPiece) return
    this.#givingUp.progressed(nowMs)
    this.#pieces.setDone(part.verifiedPiece, Math.min(verifiedPiece, part.endPiece))
    part.verifiedPiece = verifiedPiece
    part.lastPieceMs = nowMs
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) return
    this.#owners.served(owner)
    // What is within its limit after a pause comes at once, and tells little of how quick a complete owner is.
    if (!owner.complete || nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
  }

  /**
   * A part has ended: all of its pieces are good, or `failure` says why not.
   *
   * @returns parts that are of no more use, all their pieces having been fetched elsewhere
   */
  ended (id: number, nowMs: number, failure?: ScheduleFailure): Part[] {
    const part = this.#pieces.parts.get(id)
    if (part === undefined) return []
    this.#pieces.end(part)
    const owner = this.#owners.get(part.owner)
    if (owner) {
      owner.streams--
      // One that was cut short for being slow is known to be so.
      if (nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
      if (part.isGivenUp) this.#owners.giveUp(owner)
      if (failure) this.#blame(owner, failure, nowMs)
    }
    return [...this.#pieces.parts.values()].filter((other) => isUseless(other, this.#pieces.done))
  }

  /** Parts to give up: slower than is useful while another owner could serve. */
  tooSlow (nowMs: number): Part[] {
    const { slowAfterMs, slowBytesPerSecond } = this.#policy
    if (this.#owners.usable < 2) return []
    const slow = [...this.#pieces.parts.values()].filter(({ startedMs, receivedBytes }) => {
      const ms = nowMs - startedMs
      return ms >= slowAfterMs && receivedBytes < slowBytesPerSecond * ms / 1_000
    })
    for (const part of slow) part.isGivenUp = true
    return slow
  }

  /** Why the download can't go on, once it can't. */
  failure (nowMs: number): PiecemealError | undefined {
    return this.#givingUp.failure(nowMs)
  }

  #assignMissing (nowMs: number): Assignment | undefined {
    if (this.#pieces.missing.size === 0) return undefined
    return this.#assignComplete(nowMs, this.#owners.isSwarm ? (owner) => this.#choose.unseen(owner, nowMs) : () => this.#choose.alone(this.#wantedStreams())) ??
      this.#assignPartial(nowMs) ??
      (this.#owners.isSwarm ? this.#assignComplete(nowMs, (owner) => this.#isHelpWanted(nowMs) ? this.#choose.help(owner, nowMs) : undefined) : undefined)
  }

  #assignComplete (nowMs: number, choose: (owner: OwnerState) => Choice | undefined): Assignment | undefined {
    const owner = this.#owners.idlestComplete(nowMs, this.#streamsPerOwner() + this.#streamsForRest(nowMs))
    const choice = owner && choose(owner)
    return choice && { part: this.#start(owner, choice, nowMs) }
  }

  #assignPartial (nowMs: number): Assignment | undefined {
    return this.#owners.tryPartial(nowMs, this.#streamsPerOwner(), (owner) => this.#choose.mayHaveSome(owner), (owner) => {
      const choice = this.#choose.rarest(owner)
      return choice && { part: this.#start(owner, choice, nowMs) }
    })
  }

  /** Whether partial owners would take long to bring what is missing. */
  #isHelpWanted (nowMs: number): boolean {
    let bytesPerMs = 0
    for (const owner of this.#owners.all()) {
      if (owner.have && owner.notBeforeMs <= nowMs) bytesPerMs += owner.bytesPerMs ?? Infinity
    }
    return this.#pieces.missing.size * this.#policy.pieceBytes > this.#policy.helpMs * bytesPerMs
  }

  #takeOver (nowMs: number): Assignment | undefined {
    const slow = slowParts(this.#pieces.parts, this.#pieces.done, this.#policy, nowMs)
    // The owner of a part that hardly gets on may be the only one that has the rest of it.
    const mostStreams = this.#streamsPerOwner() + (this.#slackParts(nowMs) > 0 ? 1 : 0)
    const idle = slow.length > 0 ? this.#owners.idle(nowMs, mostStreams) : []
    for (const slowPart of slow) {
      for (const owner of idle) {
        if (owner.complete && this.#owners.isSwarm && slowPart.ms <= this.#policy.helpMs) continue
        const tail = tailOf(slowPart, owner, nowMs)
        const range = tail ?? (this.#pieces.missing.size === 0 ? lastPieceOf(slowPart, owner, this.#policy) : undefined)
        if (range === undefined) continue
        if (tail) slowPart.part.endPiece = tail.firstPiece
        return { part: this.#start(owner, { ...range, cutAt: 'never' }, nowMs), ...(tail && { shortened: slowPart.part }) }
      }
    }
    return undefined
  }

  #start (owner: OwnerState, choice: Choice, nowMs: number): Part {
    owner.streams++
    // Whoever is refused again and again, and has nobody else, takes whatever there is.
    const isPatient = this.#pieces.pieceCount >= this.#policy.minPiecesForOpening && (owner.busy < this.#policy.patientTries || this.#pieces.parts.size > 0)
    return this.#pieces.start({ owner: owner.key, isPatient, ...choice }, nowMs)
  }

  #blame (owner: OwnerState, failure: ScheduleFailure, nowMs: number): void {
    if (failure.code === 'E_INTERRUPTED') return
    if (this.#givingUp.failed(failure)) this.#owners.blame(owner, failure, nowMs)
  }

  /**
   * What the machine has left: so many parts are of use at once from now on, beside those that hardly
   * get on, and no more than `most` and than the policy allow; and while it is busy, what its owners
   * bring quickly is not better spread.
   */
  setMachine ({ streams, most = Infinity, isBusy }: { streams: number, most?: number, isBusy: boolean }): void {
    this.#usefulStreams = streams
    this.#mostStreams = Math.min(most, this.#policy.streams)
    this.#owners.isMachineBusy = isBusy
  }

  /** Parts that keep nobody busy: another owner is not to wait for one that stalls. */
  #slackParts (nowMs: number): number {
    const pieceMs = Math.max(this.#policy.slackMs, this.#policy.pieceBytes * 1_000 / this.#policy.slackBytesPerSecond)
    let slack = 0
    for (const { lastPieceMs } of this.#pieces.parts.values()) if (nowMs - lastPieceMs > pieceMs) slack++
    return slack
  }

  /** In a swarm whoever has little to give takes little: the sooner many have something, the sooner all do. */
  get #fairStreams (): number {
    return this.#owners.isSwarm ? this.#policy.newcomerStreams + this.donePieces : Infinity
  }

  /** What the owners are worth: a stream each, but never fewer than two where there is enough to fetch: one thread can't check as fast as a network is. */
  get streamsOfUse (): number {
    const least = this.#pieces.pieceCount >= this.#policy.minPiecesForTwoStreams ? this.#policy.minStreams : 1
    return Math.min(this.#mostStreams, Math.max(least, this.#owners.usable))
  }

  #wantedStreams (): number {
    return Math.min(this.#usefulStreams, this.streamsOfUse)
  }

  #streamsPerOwner (): number {
    return Math.ceil(this.#wantedStreams() / Math.max(1, this.#owners.usable))
  }

  /** A single complete owner may be the only one that has what is missing: streams of it that hardly get on are not to keep it from giving that. */
  #streamsForRest (nowMs: number): number {
    return this.#owners.isOneComplete ? this.#slackParts(nowMs) : 0
  }
}
