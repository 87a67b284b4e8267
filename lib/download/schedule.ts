/**
 * Which pieces are fetched next, and from whom: sets and moves, no clock, no socket, no file.
 *
 * A piece is missing, in a running part, or done. A part is a run of pieces handed to one owner;
 * when it ends, for whatever reason, its good pieces are done and the rest are missing again, so a
 * lost part goes on elsewhere from its last good piece. Parts begin large and get smaller towards
 * the end; when nothing is missing, an idle owner takes over the tail of the part that would take
 * longest, or fetches its last piece a second time, so one slow owner never holds up the end.
 */
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { DEFAULT_POLICY, type SchedulePolicy } from './schedule-policy.js'

/** An owner as the tracker tells of it; `key` is where its data comes from. */
export interface ScheduledOwner {
  key: string
  name: string
}

export interface Part {
  readonly id: number
  readonly owner: string
  readonly firstPiece: number
  /** Exclusive; lowered when the tail goes to another owner. */
  endPiece: number
  /** The first piece of the part that is not known to be good. */
  verifiedPiece: number
  receivedBytes: number
  /** When `receivedBytes` last grew. */
  lastByteMs: number
  readonly startedMs: number
  /** Too slow to be waited for: its owner is not asked again. */
  isGivenUp?: boolean
}

/** What to do next: start a part, and where its pieces come from another part's tail, stop that one earlier. */
export interface Assignment {
  part: Part
  shortened?: Part
}

export interface ScheduleFailure {
  code: ErrorCode
  message: string
}

interface OwnerState extends ScheduledOwner {
  streams: number
  /** Failures since a piece of it was last good. */
  failures: number
  /** Times in a row that it had no free slot. */
  busy: number
  notBeforeMs: number
  /** How fast its last part came, once that is known. */
  bytesPerMs?: number
  /** Why it is no longer asked; a 'lost' one gets another chance when it is announced anew. */
  out?: 'lied' | 'refused' | 'lost'
  lastFailure?: ScheduleFailure
}

const MISSING = 0
const RUNNING = 1
const DONE = 2

export class Schedule {
  readonly #pieceCount: number
  readonly #policy: SchedulePolicy
  readonly #pieces: Uint8Array
  readonly #owners = new Map<string, OwnerState>()
  readonly #parts = new Map<number, Part>()
  #nextPart = 0
  #donePieces = 0
  /** Since when there has been neither a running part nor an owner to ask. */
  #hopelessSinceMs: number | undefined
  #ownersHeardMs = -Infinity
  #lastFailure: ScheduleFailure | undefined
  /** When a part last brought a good piece, or the download began. */
  #progressMs: number | undefined
  #fatal: ScheduleFailure | undefined

  constructor (pieceCount: number, policy: Partial<SchedulePolicy> = {}) {
    this.#pieceCount = pieceCount
    this.#policy = { ...DEFAULT_POLICY, ...policy }
    this.#pieces = new Uint8Array(pieceCount)
  }

  get isDone (): boolean {
    return this.#donePieces === this.#pieceCount
  }

  get donePieces (): number {
    return this.#donePieces
  }

  /** Fewer owners that can be asked than would be used: the tracker should be asked again soon. */
  get isShortOfOwners (): boolean {
    return this.#usableOwners() < this.#policy.enoughOwners
  }

  /** Pieces that are there already, from an earlier run. */
  have (firstPiece: number, endPiece: number): void {
    for (let piece = firstPiece; piece < endPiece; piece++) this.#setDone(piece)
  }

  /**
   * The owners that the tracker knows of now. New ones join. One that fails and is no longer listed
   * is forgotten, so it may come back; one that serves well stays, whatever the tracker forgot.
   */
  setOwners (owners: readonly ScheduledOwner[], nowMs: number): void {
    this.#ownersHeardMs = nowMs
    const keys = new Set(owners.map(({ key }) => key))
    for (const { key, streams, out, failures } of this.#owners.values()) {
      if (!keys.has(key) && streams === 0 && out !== 'lied' && (out !== undefined || failures > 0)) this.#owners.delete(key)
    }
    for (const { key, name } of owners) {
      if (!this.#owners.has(key)) this.#owners.set(key, { key, name, streams: 0, failures: 0, busy: 0, notBeforeMs: nowMs })
    }
  }

  /** An owner that is known to send wrong things is never asked. */
  ban ({ key, name }: ScheduledOwner, failure: ScheduleFailure): void {
    this.#owners.set(key, { key, name, streams: 0, failures: 0, busy: 0, notBeforeMs: 0, out: 'lied', lastFailure: failure })
  }

  /** What to start now, or undefined; to be called until it gives nothing. */
  next (nowMs: number): Assignment | undefined {
    if (this.#fatal || this.#parts.size >= this.#policy.streams) return undefined
    for (const owner of this.#idleOwners(nowMs)) {
      const assignment = this.#assignMissing(owner, nowMs) ?? this.#takeOverTail(owner, nowMs)
      if (assignment) return assignment
    }
    return undefined
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
    for (let piece = part.verifiedPiece; piece < part.endPiece; piece++) {
      if (this.#pieces[piece] === RUNNING && !this.#isInRunningPart(piece)) this.#pieces[piece] = MISSING
    }
    const owner = this.#owners.get(part.owner)
    if (owner) {
      owner.streams--
      // One that was cut short for being slow is known to be so.
      if (nowMs - part.startedMs > this.#policy.takeoverMs) owner.bytesPerMs = rateOf(part, nowMs)
      if (part.isGivenUp) owner.out = 'lost'
      if (failure) this.#blame(owner, failure, nowMs)
    }
    return [...this.#parts.values()].filter((other) => this.#isUseless(other))
  }

  /** Parts to give up: slower than is useful while another owner could serve. */
  tooSlow (nowMs: number): Part[] {
    const { slowAfterMs, slowBytesPerSecond } = this.#policy
    if (this.#usableOwners() < 2) return []
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
    if (this.isDone || this.#parts.size > 0 || this.#usableOwners() > 0) {
      const isOutOfPatience = this.#parts.size === 0 && nowMs - this.#progressMs > this.#policy.patienceMs
      if (isOutOfPatience && this.#lastFailure) return toError(this.#lastFailure)
      this.#hopelessSinceMs = undefined
      return undefined
    }
    this.#hopelessSinceMs ??= nowMs
    const outs = [...this.#owners.values()]
    const hasAsked = this.#ownersHeardMs > this.#hopelessSinceMs
    const liar = outs.find(({ out }) => out === 'lied')
    if (hasAsked && outs.length > 0 && outs.every(({ out }) => out === 'lied' || out === 'refused')) {
      return toError((liar ?? outs.at(-1))?.lastFailure)
    }
    if (nowMs - this.#hopelessSinceMs < this.#policy.ownerWaitMs) return undefined
    if (liar) return toError(liar.lastFailure)
    if (outs.length > 0) return toError(outs.at(-1)?.lastFailure)
    const last = this.#lastFailure ? ` (the last one: ${this.#lastFailure.message})` : ''
    return new PiecemealError('E_NO_OWNER', `no owner was left and none came back within ${this.#policy.ownerWaitMs / 1_000} s${last}`)
  }

  #assignMissing (owner: OwnerState, nowMs: number): Assignment | undefined {
    const firstPiece = this.#pieces.indexOf(MISSING)
    if (firstPiece < 0) return undefined
    let missing = 0
    for (const piece of this.#pieces) if (piece === MISSING) missing++
    const { minPartPieces, maxPartBytes, pieceBytes, partsPerStream } = this.#policy
    const share = Math.ceil(missing / (this.#wantedStreams() * partsPerStream))
    const most = Math.max(minPartPieces, Math.min(share, Math.floor(maxPartBytes / pieceBytes)))
    let endPiece = firstPiece
    while (endPiece < this.#pieceCount && endPiece - firstPiece < most && this.#pieces[endPiece] === MISSING) endPiece++
    return { part: this.#start(owner, firstPiece, endPiece, nowMs) }
  }

  /** As much of the end of the slowest part as makes both be done at the same time, or its last piece once more. */
  #takeOverTail (owner: OwnerState, nowMs: number): Assignment | undefined {
    const slowest = this.#slowestPart(owner, nowMs)
    if (slowest === undefined) return undefined
    const { verifiedPiece, endPiece } = slowest
    const rate = rateOf(slowest, nowMs)
    const waiting = endPiece - verifiedPiece - 1
    if (waiting === 0) {
      const isFaster = owner.bytesPerMs === undefined || this.#policy.pieceBytes / owner.bytesPerMs < this.#msToGo(slowest, nowMs)
      return isFaster ? { part: this.#start(owner, verifiedPiece, endPiece, nowMs) } : undefined
    }
    const share = owner.bytesPerMs === undefined ? 0.5 : owner.bytesPerMs / (owner.bytesPerMs + rate)
    const firstPiece = endPiece - Math.min(waiting, Math.round((waiting + 1) * share))
    if (firstPiece === endPiece) return undefined
    slowest.endPiece = firstPiece
    return { part: this.#start(owner, firstPiece, endPiece, nowMs), shortened: slowest }
  }

  /** The part with the longest time to go, if that is long enough for a takeover to be worth a connection. */
  #slowestPart (thief: OwnerState, nowMs: number): Part | undefined {
    let slowest: Part | undefined
    let longestMs = this.#policy.takeoverMs
    for (const part of this.#parts.values()) {
      if (this.#isUseless(part)) continue
      const rivals = this.#rivalsOf(part)
      const isLastPiece = part.endPiece - part.verifiedPiece <= 1
      if (isLastPiece && [part, ...rivals].some(({ owner }) => owner === thief.key)) continue
      const ms = Math.min(...[part, ...rivals].map((rival) => this.#msToGo(rival, nowMs)))
      if (ms <= longestMs) continue
      longestMs = ms
      slowest = part
    }
    return slowest
  }

  /** By the part's own rate so far; but one that is silent will go on to be so for as long again. */
  #msToGo (part: Part, nowMs: number): number {
    const { firstPiece, endPiece, receivedBytes, lastByteMs } = part
    const silentMs = nowMs - lastByteMs
    if (receivedBytes === 0) return silentMs
    const left = (endPiece - firstPiece) * this.#policy.pieceBytes - receivedBytes
    return Math.max(left / rateOf(part, nowMs), silentMs)
  }

  #start (owner: OwnerState, firstPiece: number, endPiece: number, nowMs: number): Part {
    const part: Part = { id: this.#nextPart++, owner: owner.key, firstPiece, endPiece, verifiedPiece: firstPiece, receivedBytes: 0, lastByteMs: nowMs, startedMs: nowMs }
    this.#parts.set(part.id, part)
    owner.streams++
    for (let piece = firstPiece; piece < endPiece; piece++) if (this.#pieces[piece] === MISSING) this.#pieces[piece] = RUNNING
    return part
  }

  #blame (owner: OwnerState, failure: ScheduleFailure, nowMs: number): void {
    const { code } = failure
    if (code === 'E_INTERRUPTED') return
    owner.lastFailure = failure
    this.#lastFailure = failure
    if (code === 'E_DISK_FULL' || code === 'E_IO' || code === 'E_WORKER') {
      this.#fatal = failure
      return
    }
    if (code === 'E_DIGEST') owner.out = 'lied'
    else if (code === 'E_NOT_SHARED' || code === 'E_CHANGED' || code === 'E_FORBIDDEN' || code === 'E_AUTH') owner.out = 'refused'
    else if (code === 'E_BUSY' || code === 'E_LIMIT') owner.busy++
    else if (++owner.failures >= this.#policy.triesPerOwner) owner.out = 'lost'
    const pauseMs = Math.min(this.#policy.maxPauseMs, this.#policy.minPauseMs * 2 ** Math.max(0, owner.failures + owner.busy - 1))
    owner.notBeforeMs = nowMs + pauseMs * (0.5 + this.#policy.random() / 2)
  }

  /** Those that may be asked now, the ones with the fewest streams first. */
  #idleOwners (nowMs: number): OwnerState[] {
    const streamsPerOwner = Math.ceil(this.#wantedStreams() / Math.max(1, this.#usableOwners()))
    return [...this.#owners.values()]
      .filter(({ out, notBeforeMs, streams }) => !out && notBeforeMs <= nowMs && streams < streamsPerOwner)
      .sort((a, b) => a.failures - b.failures || a.streams - b.streams)
  }

  /** One a owner, but never fewer than two where there is enough to fetch: one thread can't check as fast as a network is. */
  #wantedStreams (): number {
    const least = this.#pieceCount >= this.#policy.minPiecesForTwoStreams ? this.#policy.minStreams : 1
    return Math.min(this.#policy.streams, Math.max(least, this.#usableOwners()))
  }

  #usableOwners (): number {
    let usable = 0
    for (const { out } of this.#owners.values()) if (!out) usable++
    return usable
  }

  #isInRunningPart (piece: number): boolean {
    for (const { firstPiece, endPiece } of this.#parts.values()) if (piece >= firstPiece && piece < endPiece) return true
    return false
  }

  /** Those that fetch its last piece as well. */
  #rivalsOf (part: Part): Part[] {
    return [...this.#parts.values()].filter((other) =>
      other !== part && other.firstPiece < part.endPiece && part.verifiedPiece < other.endPiece)
  }

  #isUseless ({ verifiedPiece, endPiece }: Part): boolean {
    for (let piece = verifiedPiece; piece < endPiece; piece++) if (this.#pieces[piece] !== DONE) return false
    return verifiedPiece < endPiece
  }

  #setDone (piece: number): void {
    if (this.#pieces[piece] === DONE) return
    this.#pieces[piece] = DONE
    this.#donePieces++
  }
}

/** Bytes a millisecond since the part was started. */
function rateOf ({ receivedBytes, startedMs }: Part, nowMs: number): number {
  return receivedBytes / Math.max(1, nowMs - startedMs)
}

function toError (failure: ScheduleFailure | undefined): PiecemealError {
  return new PiecemealError(failure?.code ?? 'E_NETWORK', failure?.message ?? 'no owner could serve')
}
