/**
 * The owners that the tracker told of: what they failed with, how long each is left alone after
 * that, and who is out. Whom to ask of them is in pick-owner.ts.
 *
 * Longer than 250 lines because whatever changes the standing of an owner, or asks about all of them, stands here.
 */
import type { PieceSet } from '../content/piece-set.js'
import { blameFor } from '../protocol/blame.js'
import type { Bitfields } from './bitfields.js'
import { Crowd } from './crowd.js'
import type { ScheduleFailure, Suspicion } from './failure.js'
import { Owner, type ScheduledOwner } from './owner.js'
import type { SchedulePolicy } from './policy.js'

export class Owners {
  /** Whether this machine's processors have little time left. */
  isMachineBusy = false
  readonly crowd: Crowd
  readonly #policy: SchedulePolicy
  readonly #owners = new Map<string, Owner>()
  /** What an owner had counts no more once it is forgotten, out, or complete. */
  readonly #bitfields: Bitfields
  /** Those that are not out. */
  #complete: Owner[] = []
  #partial: Owner[] = []
  /** Of these, those that are not lost; of them, the complete ones, and partial ones that are known to have something. */
  #usable = 0
  #usableComplete = 0
  #swarming = 0
  #hasFar = false
  /** Before this one of them may be set aside. */
  #asideUntilMs = -Infinity

  constructor (policy: SchedulePolicy, bitfields: Bitfields) {
    this.crowd = new Crowd(policy)
    this.#policy = policy
    this.#bitfields = bitfields
  }

  /** Owners that are neither out nor lost. */
  get usable (): number {
    return this.#usable
  }

  /** Why all that are listed are out, if they are: a lie before any other reason. */
  get reasonAllAreOut (): ScheduleFailure | undefined {
    if (this.#complete.length + this.#partial.length > 0) return undefined
    const outs = [...this.#owners.values()]
    return (outs.find(({ standing }) => standing.out === 'lied') ?? outs.at(-1))?.standing.lastFailure
  }

  /**
   * Whether those that are known to have a part of it are as many as those that have it all: then
   * what the complete ones send is best what nobody else has. But many small parts cost a busy
   * machine more than a quick owner saves by having help.
   */
  get isSwarm (): boolean {
    return this.#swarming > 0 && this.#swarming >= this.#usableComplete && !(this.isMachineBusy && this.#hasQuickComplete)
  }

  /** Whether there is but one that has all of it. */
  get isOneComplete (): boolean {
    return this.#usableComplete === 1
  }

  /** Whether one of those that are not out is far away: what it sends comes a window a round trip. */
  get hasFar (): boolean {
    return this.#hasFar
  }

  /** Complete owners that are not out. */
  get complete (): readonly Owner[] {
    return this.#complete
  }

  /** Partial owners that are not out. */
  get partial (): readonly Owner[] {
    return this.#partial
  }

  get (key: string): Owner | undefined {
    return this.#owners.get(key)
  }

  all (): IterableIterator<Owner> {
    return this.#owners.values()
  }

  /**
   * The owners that the tracker knows of now. New ones join. One that fails and is no longer listed
   * is forgotten, so it may come back; one that serves well stays, whatever the tracker forgot,
   * unless there are more partial ones than are of use: then the slowest of them go.
   */
  set (listed: readonly ScheduledOwner[], nowMs: number): void {
    const keys = new Set(listed.map(({ key }) => key))
    for (const owner of this.#owners.values()) {
      const { key, streams, standing: { out, failures } } = owner
      if (!keys.has(key) && streams === 0 && out !== 'lied' && (out !== undefined || failures > 0)) this.#forget(owner)
    }
    for (const { key, complete } of listed) {
      const owner = this.#owners.get(key)
      if (owner === undefined) this.#join(new Owner({ key, complete }, nowMs))
      else if (owner.complete !== complete && !owner.knowledge.isCorrected) this.#change(owner, complete, nowMs)
    }
    if (this.#owners.size > this.#policy.ownersKept) this.#forgetSlowest(keys)
    this.recount()
  }

  /** An owner that is known to send wrong things is never asked. */
  ban (banned: ScheduledOwner, failure: ScheduleFailure): void {
    const owner = this.#owners.get(banned.key) ?? new Owner(banned, 0)
    this.#owners.set(owner.key, owner)
    this.#exclude(owner, 'lied', failure)
  }

  /**
   * What an owner failed with costs it a pause, or more. The codes that are no owner's fault are not for here.
   *
   * @param sinceMs when it was asked for what has failed
   */
  blame (owner: Owner, failure: ScheduleFailure, sinceMs: number, nowMs: number): void {
    const { standing } = owner
    const { code } = failure
    const blame = blameFor(code)
    standing.clear()
    if (blame === 'lied') this.#exclude(owner, 'lied', failure)
    else if (blame === 'refused' && (owner.complete || code !== 'E_NOT_SHARED')) this.#exclude(owner, 'refused', failure)
    else {
      // It has less than it said: its download was cancelled, or began anew. What it has now has to be asked.
      if (code === 'E_NOT_SHARED') this.#bitfields.drop(owner)
      if (blame === 'busy' && !owner.complete) this.crowd.refused(nowMs)
      standing.failed(failure, sinceMs, nowMs, this.#policy)
      if (standing.out) this.#bitfields.drop(owner)
      if (blame !== 'busy') this.recount()
    }
    standing.pause(nowMs, this.#policy)
    this.#bitfields.postpone(owner, standing.notBeforeMs)
  }

  /** A stream of it ended before its range was complete: it may have fewer pieces now, and says so when it is asked. */
  suspect (owner: Owner, suspicion: Suspicion): void {
    if (owner.standing.suspicion || owner.standing.out) return
    owner.standing.suspect(suspicion)
    this.#bitfields.askNow(owner)
  }

  /** It was nobody's fault. */
  acquit (owner: Owner): void {
    owner.standing.clear()
  }

  /** It has not all that the tracker thinks it has, and is partial from now on. */
  correct (owner: Owner): void {
    owner.complete = false
    this.#bitfields.correct(owner)
    this.recount()
  }

  /** A good piece has come from it. */
  served (owner: Owner): void {
    const wasLost = owner.standing.isLost(this.#policy)
    owner.standing.served()
    if (wasLost) this.recount()
    if (!owner.complete) this.crowd.served()
  }

  /** Whether one of them is left alone for being slow. */
  hasAside (nowMs: number): boolean {
    if (nowMs >= this.#asideUntilMs) return false
    for (const { standing } of this.#owners.values()) if (standing.isAside(nowMs)) return true
    return false
  }

  /** It is too slow to be of use. */
  setAside (owner: Owner, nowMs: number): void {
    owner.standing.setAside(nowMs, this.#policy)
    this.#asideUntilMs = nowMs + this.#policy.slowAfterMs
  }

  endPause (key: string, nowMs: number): void {
    this.#owners.get(key)?.standing.endPause(nowMs)
  }

  /** Those that are not out and have something that is missing. */
  * able (missing: PieceSet): Generator<Owner, void> {
    for (const owner of this.#owners.values()) {
      const { complete, standing, knowledge: { have } } = owner
      if (!standing.out && (complete || (have && have.countCommon(missing, 1) > 0))) yield owner
    }
  }

  /**
   * Whether there are owners that get no more than they have, and beside them only such as want the same:
   * two downloads whose owner has lost a file would else wait for one another.
   */
  get areFinal (): boolean {
    let isAny = false
    for (const { complete, standing, knowledge } of this.#owners.values()) {
      if (standing.out) continue
      if (complete) return false
      isAny ||= knowledge.isFinal
    }
    return isAny
  }

  /** Whether another one is likely to serve now. */
  hasSoundBeside (key: string): boolean {
    for (const owner of this.#owners.values()) if (owner.key !== key && owner.standing.isSound) return true
    return false
  }

  /** How long a round trip to it took just now. What else a machine does makes some of them seem longer, and none shorter. */
  setRoundTrip (owner: Owner, ms: number): void {
    if (ms >= (owner.roundTripMs ?? Infinity)) return
    owner.roundTripMs = ms
    this.recount()
  }

  /** To be called when it has become known what a partial owner has. */
  recount (): void {
    this.#complete = []
    this.#partial = []
    this.#usable = this.#usableComplete = this.#swarming = 0
    this.#hasFar = false
    for (const owner of this.#owners.values()) {
      const { complete, standing, knowledge } = owner
      if (standing.out) continue
      if (complete) this.#complete.push(owner)
      else this.#partial.push(owner)
      if (standing.isLost(this.#policy)) continue
      this.#usable++
      if ((owner.roundTripMs ?? 0) >= this.#policy.farMs) this.#hasFar = true
      if (complete) this.#usableComplete++
      else if (knowledge.have !== undefined) this.#swarming++
    }
  }

  /** Whether a complete owner lately brought plenty on a single stream. */
  get #hasQuickComplete (): boolean {
    return this.#complete.some(({ bytesPerMs = 0 }) => bytesPerMs * 1_000 >= this.#policy.quickBytesPerSecond)
  }

  #exclude (owner: Owner, out: 'lied' | 'refused', failure: ScheduleFailure): void {
    owner.standing.exclude(out, failure)
    this.#bitfields.drop(owner)
    this.recount()
  }

  /** The tracker lists it otherwise now, complete or not. So it may give what it refused before. */
  #change (owner: Owner, complete: boolean, nowMs: number): void {
    this.#bitfields.drop(owner, nowMs)
    if (owner.standing.out === 'refused' && owner.streams === 0) return this.#join(new Owner({ key: owner.key, complete }, nowMs))
    owner.complete = complete
  }

  #join (owner: Owner): void {
    this.#owners.set(owner.key, owner)
    this.#bitfields.ended(owner)
  }

  /** Of the partial owners that the tracker named no more: those that were never asked for anything, and the slowest. */
  #forgetSlowest (listed: ReadonlySet<string>): void {
    const spare = [...this.#owners.values()]
      .filter(({ key, complete, streams, standing }) => !listed.has(key) && !complete && streams === 0 && standing.out !== 'lied')
      .sort((a, b) => (a.bytesPerMs ?? 0) - (b.bytesPerMs ?? 0))
    for (const owner of spare.slice(0, this.#owners.size - this.#policy.ownersKept)) this.#forget(owner)
  }

  #forget (owner: Owner): void {
    this.#bitfields.drop(owner)
    this.#owners.delete(owner.key)
  }
}
