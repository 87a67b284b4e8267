/**
 * Who is asked for what next: missing pieces first, and when nothing is missing, what idle owners
 * take over from the slowest parts. How many parts there are at once is decided here, too.
 */
import type { Choice, RunChooser } from './choose-run.js'
import { lastPieceOf, slowParts, tailOf } from './endgame.js'
import type { Machine } from './orders.js'
import type { Owner } from './owner.js'
import type { Owners } from './owners.js'
import type { Part } from './part.js'
import { OwnerPicker } from './pick-owner.js'
import type { Pieces } from './pieces.js'
import type { SchedulePolicy } from './policy.js'
import type { Reading } from './reading.js'

/** A part to start, and where its pieces come from another part's tail, the part that is to stop earlier. */
export interface Assignment {
  part: Part
  shortened?: Part
}

export interface AssignerOptions {
  policy: SchedulePolicy
  pieces: Pieces
  owners: Owners
  choose: RunChooser
  reading: Reading
}

export class Assigner {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #owners: Owners
  readonly #choose: RunChooser
  readonly #reading: Reading
  readonly #picker: OwnerPicker
  #mostStreams: number
  #usefulStreams = Infinity
  #streamsThatFit = Infinity

  constructor ({ policy, pieces, owners, choose, reading }: AssignerOptions) {
    this.#policy = policy
    this.#pieces = pieces
    this.#owners = owners
    this.#choose = choose
    this.#reading = reading
    this.#picker = new OwnerPicker(policy, owners)
    this.#mostStreams = policy.streams
  }

  /**
   * What the owners are worth: a stream each, but never fewer than two where there is enough to fetch: one
   * thread can't check as fast as a network is. More from owners that are far away.
   */
  get streamsOfUse (): number {
    const { minPiecesForTwoStreams, minStreams, farStreams } = this.#policy
    const least = this.#pieces.pieceCount < minPiecesForTwoStreams ? 1 : this.#owners.hasFar ? farStreams : minStreams
    return Math.min(this.#mostStreams, Math.max(least, this.#owners.usable))
  }

  setMachine ({ streams, most = Infinity, isBusy }: Machine): void {
    this.#mostStreams = Math.min(most, this.#streamsThatFit, this.#policy.streams)
    // Streams from far away wait for the network: unless the machine is busy, all of them are worth having at once.
    this.#usefulStreams = this.#owners.hasFar && !isBusy ? this.streamsOfUse : streams
    this.#owners.isMachineBusy = isBusy
  }

  /** Whether more parts could run at once than do, and there is something left for them. */
  get isShortOfParts (): boolean {
    return this.#pieces.missing.size > 0 && this.#pieces.parts.size < Math.min(this.#mostStreams, this.#usefulStreams)
  }

  /** Something of this machine has run out: no more parts at once than run now. */
  takeNoMore (): void {
    this.#streamsThatFit = this.#pieces.parts.size
  }

  /** The next part, or undefined; to be called until there is none. */
  next (nowMs: number): Assignment | undefined {
    const { size } = this.#pieces.parts
    if (size >= this.#mostStreams) return undefined
    const useful = Math.min(this.#usefulStreams, this.#fairStreams)
    if (size >= useful && size - this.#slackParts(nowMs) >= useful) return undefined
    return this.#assignAwaited(nowMs) ?? this.#assignMissing(nowMs) ?? this.#takeOver(nowMs)
  }

  /** What a reader waits for, and its owner does not bring: from another one as well. */
  #assignAwaited (nowMs: number): Assignment | undefined {
    const stalled = this.#reading.stalled(nowMs)
    if (stalled === undefined) return undefined
    const { piece, part } = stalled
    const owner = this.#picker.idle(nowMs, this.#streamsPerOwner() + 1).find(({ key, complete, knowledge: { have } }) => key !== part.owner && (complete || have?.has(piece)))
    return owner && { part: this.#start(owner, { firstPiece: piece, endPiece: piece + 1, cutAt: 'never' }, nowMs) }
  }

  #assignMissing (nowMs: number): Assignment | undefined {
    if (this.#pieces.missing.size === 0) return undefined
    return (this.#reading.isOn ? this.#assignComplete(nowMs, () => this.#choose.read()) : undefined) ??
      this.#assignComplete(nowMs, this.#owners.isSwarm ? (owner) => this.#choose.unseen(owner, nowMs) : () => this.#choose.alone(this.#wantedStreams())) ??
      this.#assignPartial(nowMs) ??
      (this.#owners.isSwarm ? this.#assignComplete(nowMs, (owner) => this.#isHelpWanted(nowMs) ? this.#choose.help(owner, nowMs) : undefined) : undefined)
  }

  #assignComplete (nowMs: number, choose: (owner: Owner) => Choice | undefined): Assignment | undefined {
    const owner = this.#picker.idlestComplete(nowMs, this.#streamsPerOwner() + this.#streamsForRest(nowMs))
    const choice = owner && choose(owner)
    return choice && { part: this.#start(owner, choice, nowMs) }
  }

  #assignPartial (nowMs: number): Assignment | undefined {
    return this.#picker.tryPartial(nowMs, this.#streamsPerOwner(), (owner) => this.#choose.mayHaveSome(owner), (owner) => {
      const choice = this.#choose.rarest(owner)
      return choice && { part: this.#start(owner, choice, nowMs) }
    })
  }

  /** Whether the partial owners that have something of it would take long to bring what is missing. */
  #isHelpWanted (nowMs: number): boolean {
    let bytesPerMs = 0
    for (const owner of this.#owners.all()) {
      if (this.#choose.mayHaveSome(owner) && owner.standing.notBeforeMs <= nowMs) bytesPerMs += owner.bytesPerMs ?? Infinity
    }
    return this.#pieces.missing.size * this.#policy.pieceBytes > this.#policy.helpMs * bytesPerMs
  }

  #takeOver (nowMs: number): Assignment | undefined {
    const slow = slowParts(this.#pieces.parts, this.#pieces.done, this.#policy, nowMs)
    // The owner of a part that hardly gets on may be the only one that has the rest of it.
    const mostStreams = this.#streamsPerOwner() + (this.#slackParts(nowMs) > 0 ? 1 : 0)
    const idle = slow.length > 0 ? this.#picker.idle(nowMs, mostStreams) : []
    for (const slowPart of slow) {
      for (const owner of idle) {
        if (slowPart.ms <= this.#policy.takeoverTrips * (owner.roundTripMs ?? 0)) continue
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

  #start (owner: Owner, choice: Choice, nowMs: number): Part {
    owner.streams++
    // Whoever is refused again and again, and has nobody else, takes whatever there is.
    const isPatient = this.#pieces.pieceCount >= this.#policy.minPiecesForOpening && (owner.standing.busy < this.#policy.patientTries || this.#pieces.parts.size > 0)
    return this.#pieces.start({ owner: owner.key, isPatient, ...choice, endPiece: this.#policy.endOfPart(choice) }, nowMs)
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
    return this.#owners.isSwarm ? this.#policy.newcomerStreams + this.#pieces.done.size : Infinity
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
