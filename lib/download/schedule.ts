/**
 * Which pieces are fetched next, and from whom: sets and moves, no clock, no socket, no file.
 *
 * A piece is missing, in a running part, or done. A part is a run of pieces handed to one owner;
 * when it ends, for whatever reason, its good pieces are done and the rest are missing again, so a
 * lost part goes on elsewhere from its last good piece.
 *
 * Alone with complete owners a download goes front to back in large parts, which glue best, and in
 * smaller ones towards the end. But all that start at the same instant know nothing of one
 * another: so the first parts are short and at random places, and there is something to exchange.
 * In a swarm partial owners give what they have, rarest first, a few pieces at a time; complete
 * owners give what nobody else has, which the nodes divide among themselves (rank.ts), and `trim` ends such
 * a part where it meets what somebody has got meanwhile.
 *
 * When nothing is missing, idle owners take over from the slowest parts (endgame.ts).
 */
import { PieceSet } from '../content/piece-set.js'
import { PiecemealError } from '../protocol/errors.js'
import { Bitmaps } from './bitmaps.js'
import { lastPieceOf, slowParts, tailOf } from './endgame.js'
import { OwnerStanding, type OwnerState, type ScheduledOwner, type ScheduleFailure } from './owner-standing.js'
import { isUseless, rateOf, type Part } from './part.js'
import { pickAnywhere, pickFront, pickRarest, pickUnseen, type PieceRange } from './pick-run.js'
import { rankFor, saltOf } from './rank.js'
import { DEFAULT_POLICY, type SchedulePolicy } from './schedule-policy.js'

/** What to do next: start a part, and where its pieces come from another part's tail, stop that one earlier. */
export interface Assignment {
  part: Part
  shortened?: Part
}

type Choice = PieceRange & Pick<Part, 'cutAt'>

export class Schedule {
  readonly #pieceCount: number
  readonly #policy: SchedulePolicy
  readonly #missing: PieceSet
  readonly #done: PieceSet
  readonly #bitmaps: Bitmaps
  readonly #owners: OwnerStanding
  readonly #parts = new Map<number, Part>()
  readonly #salt: number
  #mostStreams: number
  #isMachineBusy = false
  #nextPart = 0
  /** When a part that nobody else has was last begun. */
  #unseenMs = -Infinity
  /** How often pieces that were in a part came to be missing again. */
  #returns = 0
  /** When the first owners were heard of, and the last. */
  #startedMs: number | undefined
  #ownersHeardMs = -Infinity
  /** Since when there has been neither a running part nor an owner that could serve. */
  #hopelessSinceMs: number | undefined
  #lastFailure: ScheduleFailure | undefined
  /** When a part last brought a good piece, or the download began. */
  #progressMs: number | undefined
  #fatal: ScheduleFailure | undefined

  /** @param name that of the node, by which others know it; without it some pieces are fetched from complete owners more often than need be */
  constructor (pieceCount: number, policy: Partial<SchedulePolicy> = {}, name?: string) {
    this.#pieceCount = pieceCount
    this.#policy = { ...DEFAULT_POLICY, ...policy }
    this.#mostStreams = this.#policy.streams
    this.#salt = saltOf(name ?? String(this.#policy.random()))
    this.#done = new PieceSet(pieceCount)
    this.#missing = new PieceSet(pieceCount)
    this.#missing.addRange(0, pieceCount)
    this.#bitmaps = new Bitmaps(this.#missing, this.#policy)
    this.#owners = new OwnerStanding(this.#policy, this.#bitmaps)
  }

  get isDone (): boolean {
    return this.#done.size === this.#pieceCount
  }

  get donePieces (): number {
    return this.#done.size
  }

  /** The pieces that are there and good; to be read only, and it goes on growing. */
  get done (): PieceSet {
    return this.#done
  }

  /** How long after it was asked the tracker is to be asked for owners again: soon while the download is young, for it might be one of many. */
  ownersEveryMs (nowMs: number): number {
    const { enoughOwners, noOwnersMs, ownersSoonMs, ownersEveryMs, ownersRarelyMs } = this.#policy
    if (this.#parts.size === 0) return noOwnersMs
    const ageMs = nowMs - (this.#startedMs ?? nowMs)
    return Math.min(Math.max(ownersSoonMs, ageMs / 2), this.#owners.usable < enoughOwners ? ownersEveryMs : ownersRarelyMs)
  }

  /** Pieces that are there already, from an earlier run. */
  have (firstPiece: number, endPiece: number): void {
    for (let piece = firstPiece; piece < endPiece; piece++) this.#setDone(piece)
  }

  /**
   * The owners that the tracker knows of now. New ones join. One that fails and is no longer listed
   * is forgotten, so it may come back; one that serves well stays, whatever the tracker forgot,
   * unless there are more partial ones than are of use.
   */
  setOwners (owners: readonly ScheduledOwner[], nowMs: number): void {
    this.#startedMs ??= nowMs
    this.#ownersHeardMs = nowMs
    this.#owners.set(owners, nowMs)
  }

  /** An owner that is known to send wrong things is never asked. */
  ban (owner: ScheduledOwner, failure: ScheduleFailure): void {
    this.#owners.ban(owner, failure)
  }

  /** Keys of partial owners that are to be asked now what they have. For each, `setHave` or `haveFailed` is to follow. */
  partialOwnersToAsk (nowMs: number): string[] {
    return this.#bitmaps.toAsk(this.#owners.all(), nowMs)
  }

  /** What a partial owner has now. */
  setHave (key: string, have: PieceSet, nowMs: number): void {
    const owner = this.#owners.get(key)
    if (owner === undefined || owner.complete || owner.out) return
    // Somebody still brings pieces into this swarm.
    const isFirst = owner.have === undefined
    if (this.#bitmaps.set(owner, have, nowMs)) this.#hopelessSinceMs = undefined
    if (isFirst) this.#owners.recount(nowMs)
  }

  /** A partial owner did not say what it has. */
  haveFailed (key: string, failure: ScheduleFailure, nowMs: number): void {
    const owner = this.#owners.get(key)
    if (owner === undefined) return
    this.#bitmaps.ended(owner)
    if (!owner.complete) this.#blame(owner, failure, nowMs)
  }

  /** What to start now, or undefined; to be called until it gives nothing. */
  next (nowMs: number): Assignment | undefined {
    if (this.#fatal || this.#parts.size >= this.#mostStreams) return undefined
    return this.#assignMissing(nowMs) ?? this.#takeOver(nowMs)
  }

  /**
   * Ends parts early whose rest had better come from others; each has its `endPiece` lowered, but
   * never below the piece at hand.
   *
   * @returns the parts whose workers are to stop earlier
   */
  trim (): Part[] {
    if (!this.#isSwarm) return []
    const trimmed: Part[] = []
    for (const part of this.#parts.values()) {
      if (part.cutAt === 'never') continue
      const next = part.verifiedPiece + 1
      const endPiece = part.cutAt === 'swarm' ? next : this.#bitmaps.availability.seen.firstFrom(next)
      if (endPiece >= part.endPiece) continue
      const plannedEnd = part.endPiece
      part.endPiece = endPiece
      this.#giveBack(endPiece, plannedEnd)
      trimmed.push(part)
    }
    return trimmed
  }

  /** How far a running part has come. */
  progress (id: number, verifiedPiece: number, receivedBytes: number, nowMs: number): void {
    const part = this.#parts.get(id)
    if (part === undefined) return
    if (receivedBytes > part.receivedBytes) part.lastByteMs = nowMs
    part.receivedBytes = receivedBytes
    if (verifiedPiece <= part.verifiedPiece) return
    this.#progressMs = nowMs
    for (let piece = part.verifiedPiece; piece < Math.min(verifiedPiece, part.endPiece); piece++) this.#setDone(piece)
    part.verifiedPiece = verifiedPiece
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) return
    owner.failures = owner.busy = 0
    owner.bytesPerMs = rateOf(part, nowMs)
  }

  /**
   * A part has ended: all of its pieces are good, or `failure` says why not.
   *
   * @returns parts that are of no more use, all their pieces having been fetched elsewhere
   */
  ended (id: number, nowMs: number, failure?: ScheduleFailure): Part[] {
    const part = this.#parts.get(id)
    if (part === undefined) return []
    this.#parts.delete(id)
    this.#giveBack(part.verifiedPiece, part.endPiece)
    const owner = this.#owners.get(part.owner)
    if (owner) {
      owner.streams--
      // One that was cut short for being slow is known to be so.
      if (nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
      if (part.isGivenUp) this.#owners.giveUp(owner, nowMs)
      if (failure) this.#blame(owner, failure, nowMs)
    }
    return [...this.#parts.values()].filter((other) => isUseless(other, this.#done))
  }

  /** Parts to give up: slower than is useful while another owner could serve. */
  tooSlow (nowMs: number): Part[] {
    const { slowAfterMs, slowBytesPerSecond } = this.#policy
    if (this.#owners.usable < 2) return []
    const slow = [...this.#parts.values()].filter(({ startedMs, receivedBytes }) => {
      const ms = nowMs - startedMs
      return ms >= slowAfterMs && receivedBytes < slowBytesPerSecond * ms / 1_000
    })
    for (const part of slow) part.isGivenUp = true
    return slow
  }

  /** Why the download can't go on, once it can't. */
  failure (nowMs: number): PiecemealError | undefined {
    if (this.#fatal) return toError(this.#fatal)
    this.#progressMs ??= nowMs
    if (this.isDone || this.#parts.size > 0 || this.#canAnyoneServe()) {
      const isOutOfPatience = this.#parts.size === 0 && nowMs - this.#progressMs > this.#policy.patienceMs
      if (isOutOfPatience && this.#lastFailure) return toError(this.#lastFailure)
      this.#hopelessSinceMs = undefined
      return undefined
    }
    this.#hopelessSinceMs ??= nowMs
    const outs = [...this.#owners.all()].filter(({ out }) => out)
    const liar = outs.find(({ out }) => out === 'lied')
    const hasAsked = this.#ownersHeardMs > this.#hopelessSinceMs
    const isNoneLeft = outs.length > 0 && this.#owners.usable === 0
    if (hasAsked && isNoneLeft && outs.every(({ out }) => out !== 'lost')) return toError((liar ?? outs.at(-1))?.lastFailure)
    if (nowMs - this.#hopelessSinceMs < this.#policy.ownerWaitMs) return undefined
    if (isNoneLeft) return toError((liar ?? outs.at(-1))?.lastFailure)
    return this.#noOwner()
  }

  #noOwner (): PiecemealError {
    const left = this.#pieceCount - this.donePieces
    const who = this.#owners.usable === 0 ? 'no owner was left and none came back' : 'no owner that is left has them and none came that has'
    const last = this.#lastFailure ? ` (the last one: ${this.#lastFailure.message})` : ''
    return new PiecemealError('E_NO_OWNER', `${left} of ${this.#pieceCount} pieces are missing, ${who} within ${this.#policy.ownerWaitMs / 1_000} s${last}; what is there is kept`)
  }

  #canAnyoneServe (): boolean {
    for (const { out, complete, have } of this.#owners.all()) {
      if (!out && (complete || (have && have.countCommon(this.#missing) > 0))) return true
    }
    return false
  }

  #assignMissing (nowMs: number): Assignment | undefined {
    if (this.#missing.size === 0) return undefined
    return this.#assignComplete(nowMs, this.#isSwarm ? () => this.#chooseUnseen(nowMs) : () => this.#chooseAlone()) ??
      this.#assignPartial(nowMs) ??
      (this.#isSwarm && this.#isHelpWanted(nowMs) ? this.#assignComplete(nowMs, () => this.#chooseAlone()) : undefined)
  }

  #assignComplete (nowMs: number, choose: () => Choice | undefined): Assignment | undefined {
    const owner = this.#owners.idlestComplete(nowMs, this.#streamsPerOwner())
    const choice = owner && choose()
    return choice && { part: this.#start(owner, choice, nowMs) }
  }

  #assignPartial (nowMs: number): Assignment | undefined {
    const { partialPartPieces: most, rarestSample: sample, random } = this.#policy
    return this.#owners.tryPartial(nowMs, this.#streamsPerOwner(), (owner) => {
      if (owner.have === undefined || owner.nothingAt === this.#returns) return undefined
      const range = pickRarest(this.#missing, owner.have, this.#bitmaps.availability, { most, sample, random })
      if (range) return { part: this.#start(owner, { ...range, cutAt: 'never' }, nowMs) }
      owner.nothingAt = this.#returns
      return undefined
    })
  }

  /** The first parts short and anywhere, the others in order and large; but none so large that a slow owner holds up the end. */
  #chooseAlone (): Choice | undefined {
    const { minPartPieces, openingPieces, minPiecesForOpening, partsPerStream, random } = this.#policy
    const streams = this.#wantedStreams()
    if (this.#nextPart < streams && this.#pieceCount >= minPiecesForOpening) {
      const range = pickAnywhere(this.#missing, openingPieces, random)
      return range && { ...range, cutAt: 'seen' }
    }
    const share = Math.ceil(this.#missing.size / (streams * partsPerStream))
    const most = this.#missing.has(0) ? this.#frontPieces : Math.min(share, this.#piecesOf(this.#policy.maxPartBytes))
    const range = pickFront(this.#missing, Math.max(minPartPieces, most))
    return range && { ...range, cutAt: this.#isSwarm ? 'never' : 'swarm' }
  }

  /** What nobody else has, and others are not to bring first; of theirs only after a while. */
  #chooseUnseen (nowMs: number): Choice | undefined {
    const others = this.#owners.swarmSalts()
    const mostRank = Math.floor((nowMs - Math.max(this.#unseenMs, this.#owners.swarmSinceMs)) / this.#policy.helpMs)
    const isMine = (piece: number): boolean => rankFor(piece, this.#salt, others) <= mostRank
    const range = pickUnseen(this.#missing, this.#bitmaps.availability.seen, { isMine, random: this.#policy.random })
    if (range === undefined) return undefined
    this.#unseenMs = nowMs
    return { ...range, cutAt: 'seen' }
  }

  /** Whether partial owners would take long to bring what is missing. */
  #isHelpWanted (nowMs: number): boolean {
    let bytesPerMs = 0
    for (const owner of this.#owners.all()) {
      if (owner.have && owner.notBeforeMs <= nowMs) bytesPerMs += owner.bytesPerMs ?? Infinity
    }
    return this.#missing.size * this.#policy.pieceBytes > this.#policy.helpMs * bytesPerMs
  }

  #takeOver (nowMs: number): Assignment | undefined {
    const slow = slowParts(this.#parts, this.#done, this.#policy, nowMs)
    const idle = slow.length > 0 ? this.#owners.idle(nowMs, this.#streamsPerOwner()) : []
    for (const slowPart of slow) {
      for (const owner of idle) {
        if (owner.complete && this.#isSwarm && slowPart.ms <= this.#policy.helpMs) continue
        const tail = tailOf(slowPart, owner, nowMs)
        const range = tail ?? (this.#missing.size === 0 ? lastPieceOf(slowPart, owner, this.#policy) : undefined)
        if (range === undefined) continue
        if (tail) slowPart.part.endPiece = tail.firstPiece
        return { part: this.#start(owner, { ...range, cutAt: 'never' }, nowMs), ...(tail && { shortened: slowPart.part }) }
      }
    }
    return undefined
  }

  #start (owner: OwnerState, { firstPiece, endPiece, cutAt }: Choice, nowMs: number): Part {
    const part: Part = {
      id: this.#nextPart++, owner: owner.key, firstPiece, endPiece, cutAt, verifiedPiece: firstPiece, receivedBytes: 0, lastByteMs: nowMs, startedMs: nowMs,
    }
    this.#parts.set(part.id, part)
    owner.streams++
    for (let piece = firstPiece; piece < endPiece; piece++) this.#missing.delete(piece)
    return part
  }

  #blame (owner: OwnerState, failure: ScheduleFailure, nowMs: number): void {
    const { code } = failure
    if (code === 'E_INTERRUPTED') return
    this.#lastFailure = failure
    if (code === 'E_DISK_FULL' || code === 'E_IO' || code === 'E_WORKER') this.#fatal = failure
    else this.#owners.blame(owner, failure, nowMs)
  }

  /**
   * What the machine has left: so many parts may run at once from now on, up to what the policy
   * allows; and while it is busy, what its owners bring quickly is not better spread.
   */
  setMachine ({ streams, isBusy }: { streams: number, isBusy: boolean }): void {
    this.#mostStreams = Math.min(streams, this.#policy.streams)
    this.#isMachineBusy = isBusy
  }

  /** Whether pieces are spread: many small parts cost a busy machine more than a quick owner saves by having help. */
  get #isSwarm (): boolean {
    return this.#owners.isSwarm && !(this.#isMachineBusy && this.#owners.hasQuickComplete)
  }

  /** One a owner, but never fewer than two where there is enough to fetch: one thread can't check as fast as a network is. */
  #wantedStreams (): number {
    const least = this.#pieceCount >= this.#policy.minPiecesForTwoStreams ? this.#policy.minStreams : 1
    return Math.min(this.#mostStreams, Math.max(least, this.#owners.usable))
  }

  #streamsPerOwner (): number {
    return Math.ceil(this.#wantedStreams() / Math.max(1, this.#owners.usable))
  }

  /**
   * The part at the front becomes the beginning of the file and is never copied, so it is as large as
   * one stream can bring while the others bring the rest; but what they bring waits for it.
   */
  get #frontPieces (): number {
    const streams = this.#wantedStreams()
    return Math.min(Math.ceil(this.#pieceCount / streams), this.#piecesOf(this.#policy.maxWaitingBytes / Math.max(1, streams - 1)))
  }

  #piecesOf (bytes: number): number {
    return Math.max(1, Math.floor(bytes / this.#policy.pieceBytes))
  }

  /** What was handed out and has not come is missing again, unless another part brings it. */
  #giveBack (firstPiece: number, endPiece: number): void {
    for (let piece = firstPiece; piece < endPiece; piece++) {
      if (this.#done.has(piece) || this.#isInRunningPart(piece)) continue
      this.#missing.add(piece)
      this.#returns++
    }
  }

  #isInRunningPart (piece: number): boolean {
    for (const { firstPiece, endPiece } of this.#parts.values()) if (piece >= firstPiece && piece < endPiece) return true
    return false
  }

  #setDone (piece: number): void {
    this.#missing.delete(piece)
    this.#done.add(piece)
  }
}

function toError (failure: ScheduleFailure | undefined): PiecemealError {
  return new PiecemealError(failure?.code ?? 'E_NETWORK', failure?.message ?? 'no owner could serve')
}
