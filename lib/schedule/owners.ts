/**
 * Who may be asked: the owners that the tracker told of, what they failed with, how long each is
 * left alone after that, and who is out for good.
 */
import { blameFor } from '../protocol/blame.js'
import type { Bitfields } from './bitfields.js'
import type { OwnerState, ScheduledOwner, ScheduleFailure } from './owner.js'
import type { SchedulePolicy } from './policy.js'

export class Owners {
  /** Whether it has little time left. */
  isMachineBusy = false
  readonly #policy: SchedulePolicy
  readonly #owners = new Map<string, OwnerState>()
  /** What an owner had counts no more once it is forgotten, out, or complete. */
  readonly #bitfields: Bitfields
  /** Those that are not out. */
  #complete: OwnerState[] = []
  #partial: OwnerState[] = []
  #swarming = 0
  /** Partial owners in a row that had no free slot, and until when no other one is asked for that. */
  #refusals = 0
  #crowdedUntilMs = -Infinity

  constructor (policy: SchedulePolicy, bitfields: Bitfields) {
    this.#policy = policy
    this.#bitfields = bitfields
  }

  /** Owners that are not out. */
  get usable (): number {
    return this.#complete.length + this.#partial.length
  }

  /**
   * Whether those that are known to have a part of it are as many as those that have it all: then
   * what the complete ones send is best what nobody else has. But many small parts cost a busy
   * machine more than a quick owner saves by having help.
   */
  get isSwarm (): boolean {
    return this.#swarming > 0 && this.#swarming >= this.#complete.length && !(this.isMachineBusy && this.#hasQuickComplete)
  }

  /** Whether there is but one that has all of it. */
  get isOneComplete (): boolean {
    return this.#complete.length === 1
  }

  get (key: string): OwnerState | undefined {
    return this.#owners.get(key)
  }

  all (): IterableIterator<OwnerState> {
    return this.#owners.values()
  }

  /**
   * The owners that the tracker knows of now. New ones join. One that fails and is no longer listed
   * is forgotten, so it may come back; one that serves well stays, whatever the tracker forgot,
   * unless there are more partial ones than are of use.
   */
  set (listed: readonly ScheduledOwner[], nowMs: number): void {
    const keys = new Set(listed.map(({ key }) => key))
    for (const owner of this.#owners.values()) {
      const { key, streams, out, failures } = owner
      if (!keys.has(key) && streams === 0 && out !== 'lied' && (out !== undefined || failures > 0)) this.#forget(owner)
    }
    for (const { key, complete } of listed) {
      const owner = this.#owners.get(key)
      if (owner === undefined) this.#join(newOwner({ key, complete }, nowMs))
      else if (owner.complete !== complete) {
        this.#bitfields.drop(owner)
        owner.complete = complete
        owner.haveDueMs = nowMs
      }
    }
    for (const owner of this.#owners.values()) {
      if (this.#owners.size <= this.#policy.ownersKept) break
      if (!keys.has(owner.key) && !owner.complete && owner.streams === 0 && owner.out !== 'lied') this.#forget(owner)
    }
    this.#recount()
  }

  /** An owner that is known to send wrong things is never asked. */
  ban (banned: ScheduledOwner, failure: ScheduleFailure): void {
    const owner = this.#owners.get(banned.key) ?? newOwner(banned, 0)
    this.#owners.set(owner.key, owner)
    this.#exclude(owner, 'lied', failure)
  }

  /** What an owner failed with costs it a pause, or more. The codes that are no owner's fault are not for here. */
  blame (owner: OwnerState, failure: ScheduleFailure, nowMs: number): void {
    const { code } = failure
    owner.lastFailure = failure
    const blame = blameFor(code)
    if (blame === 'lied') this.#exclude(owner, 'lied', failure)
    else if (blame === 'refused' && (owner.complete || code !== 'E_NOT_SHARED')) this.#exclude(owner, 'refused', failure)
    else if (blame === 'busy') {
      owner.busy++
      if (!owner.complete) this.#refused(nowMs)
    } else {
      // It has less than it said: its download was cancelled, or began anew. What it has now has to be asked.
      if (code === 'E_NOT_SHARED') {
        this.#bitfields.drop(owner)
        this.#recount()
      }
      if (++owner.failures >= this.#policy.triesPerOwner) this.#exclude(owner, 'lost', failure)
    }
    const { minPauseMs, maxPauseMs, random } = this.#policy
    const pauseMs = Math.min(maxPauseMs, minPauseMs * 2 ** Math.max(0, owner.failures + owner.busy - 1))
    owner.notBeforeMs = nowMs + pauseMs * (0.5 + random() / 2)
    owner.haveDueMs = Math.max(owner.haveDueMs, owner.notBeforeMs)
  }

  /** A good piece has come from it. */
  served (owner: OwnerState): void {
    owner.failures = owner.busy = 0
    if (!owner.complete) this.#refusals = 0
  }

  /** Where one after the other is busy the next one is too. */
  #refused (nowMs: number): void {
    const { refusalsInARow, crowdedMs, random } = this.#policy
    if (++this.#refusals < refusalsInARow) return
    this.#refusals = 0
    this.#crowdedUntilMs = nowMs + crowdedMs * (0.5 + random() / 2)
  }

  /** It is too slow to be of use. */
  giveUp (owner: OwnerState): void {
    this.#exclude(owner, 'lost')
  }

  /** A complete owner that may be asked now, with the fewest failures and streams, or undefined. */
  idlestComplete (nowMs: number, mostStreams: number): OwnerState | undefined {
    let best: OwnerState | undefined
    let equals = 0
    for (const owner of this.#complete) {
      if (!mayBeAsked(owner, nowMs, mostStreams)) continue
      const order = best ? owner.failures - best.failures || owner.streams - best.streams : -1
      if (order > 0) continue
      equals = order < 0 ? 1 : equals + 1
      if (order < 0 || this.#policy.random() * equals < 1) best = owner
    }
    return best
  }

  /**
   * What a partial owner gives that may be asked now and has something: of a few, from a random one on,
   * the one that was fastest last, which is likely to have few others to serve; those without failures and
   * with the fewest streams come first.
   */
  tryPartial<T> (nowMs: number, mostStreams: number, mayHaveSome: (owner: OwnerState) => boolean, take: (owner: OwnerState) => T | undefined): T | undefined {
    if (nowMs < this.#crowdedUntilMs) return undefined
    const { length } = this.#partial
    const start = Math.floor(this.#policy.random() * length)
    for (let streams = 0; streams < mostStreams; streams++) {
      for (const isTrusted of [true, false]) {
        const compared: OwnerState[] = []
        // Those that may be asked after these.
        let others = 0
        for (let i = 0; i < length; i++) {
          const owner = this.#partial[start + i < length ? start + i : start + i - length]
          if (owner === undefined || !mayHaveSome(owner) || !mayBeAsked(owner, nowMs, mostStreams)) continue
          if (owner.streams !== streams || (owner.failures === 0) !== isTrusted) {
            others++
            continue
          }
          compared.push(owner)
          if (compared.length < this.#policy.ownersCompared) continue
          const taken = takeFastest(compared, take)
          if (taken) return taken
        }
        while (compared.length > 0) {
          const taken = takeFastest(compared, take)
          if (taken) return taken
        }
        if (others === 0) return undefined
      }
    }
    return undefined
  }

  /** Those that may be asked now, the ones with the fewest failures and streams first. */
  idle (nowMs: number, mostStreams: number): OwnerState[] {
    return [...this.#owners.values()]
      .filter((owner) => mayBeAsked(owner, nowMs, mostStreams))
      .sort((a, b) => a.failures - b.failures || a.streams - b.streams)
  }

  /** It has become known what a partial owner has. */
  hasSaid (): void {
    this.#swarming++
  }

  #recount (): void {
    this.#complete = []
    this.#partial = []
    this.#swarming = 0
    for (const owner of this.#owners.values()) {
      if (owner.out) continue
      if (owner.complete) this.#complete.push(owner)
      else this.#partial.push(owner)
      if (!owner.complete && owner.have !== undefined) this.#swarming++
    }
  }

  /** Whether a complete owner lately brought plenty on a single stream. */
  get #hasQuickComplete (): boolean {
    return this.#complete.some(({ bytesPerMs = 0 }) => bytesPerMs * 1_000 >= this.#policy.quickBytesPerSecond)
  }

  #exclude (owner: OwnerState, out: NonNullable<OwnerState['out']>, failure?: ScheduleFailure): void {
    owner.out = out
    if (failure) owner.lastFailure = failure
    this.#bitfields.drop(owner)
    this.#recount()
  }

  #join (owner: OwnerState): void {
    this.#owners.set(owner.key, owner)
    this.#bitfields.ended(owner)
  }

  #forget (owner: OwnerState): void {
    this.#bitfields.drop(owner)
    this.#owners.delete(owner.key)
  }
}

/** Takes from the fastest of these, one whose rate is not known being as fast as can be, and removes it. */
function takeFastest<T> (owners: OwnerState[], take: (owner: OwnerState) => T | undefined): T | undefined {
  let fastest = 0
  let mostBytesPerMs = -1
  for (let i = 0; i < owners.length; i++) {
    const { bytesPerMs = Infinity } = owners[i] ?? {}
    if (bytesPerMs <= mostBytesPerMs) continue
    fastest = i
    mostBytesPerMs = bytesPerMs
  }
  const owner = owners[fastest]
  const last = owners.pop()
  if (last !== undefined && last !== owner) owners[fastest] = last
  return owner && take(owner)
}

function mayBeAsked ({ out, notBeforeMs, streams }: OwnerState, nowMs: number, mostStreams: number): boolean {
  return !out && notBeforeMs <= nowMs && streams < mostStreams
}

function newOwner (owner: ScheduledOwner, nowMs: number): OwnerState {
  return { ...owner, streams: 0, failures: 0, busy: 0, notBeforeMs: nowMs, haveDueMs: nowMs, sentMs: -Infinity, nothingAt: -1 }
}
