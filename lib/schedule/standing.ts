/** How one owner stands: what it failed with, how long it is left alone after that, and whether it is out. */
import { blameFor } from '../protocol/blame.js'
import type { ScheduleFailure, Suspicion } from './failure.js'
import type { SchedulePolicy } from './policy.js'

export class Standing {
  /** Times that it was lost since a piece of it was last good; streams that fall together count once. */
  #failures = 0
  /** Times in a row that it answered what makes no sense. */
  #breaches = 0
  /** Times in a row that it had no free slot. */
  #busy = 0
  #notBeforeMs: number
  #failedMs = -Infinity
  #out: 'lied' | 'refused' | undefined
  #lastFailure: ScheduleFailure | undefined
  /** What a stream ended with that may have been nobody's fault: the owner is asked first. */
  #suspicion: Suspicion | undefined
  #isSlow = false
  /** Being slow, it is left alone until then. */
  #asideUntilMs = -Infinity

  constructor (nowMs: number) {
    this.#notBeforeMs = nowMs
  }

  get failures (): number {
    return this.#failures
  }

  get busy (): number {
    return this.#busy
  }

  /** Before this it is not asked. */
  get notBeforeMs (): number {
    return Math.max(this.#notBeforeMs, this.#asideUntilMs)
  }

  /** Why it is no longer asked: a liar for good, one that refuses as long as it is listed as it is. */
  get out (): 'lied' | 'refused' | undefined {
    return this.#out
  }

  get lastFailure (): ScheduleFailure | undefined {
    return this.#lastFailure
  }

  get suspicion (): Suspicion | undefined {
    return this.#suspicion
  }

  /** Whether it is likely to serve now, so that a slower one may be given up for it. */
  get isSound (): boolean {
    return this.#out === undefined && this.#failures === 0 && !this.#isSlow
  }

  /** Whether it failed so often that nobody counts on it; it is tried on all the same, one stream at a time. */
  isLost ({ triesPerOwner }: SchedulePolicy): boolean {
    return this.#failures >= triesPerOwner
  }

  mayBeAsked (nowMs: number): boolean {
    return this.#out === undefined && this.#suspicion === undefined && this.notBeforeMs <= nowMs
  }

  exclude (out: 'lied' | 'refused', failure: ScheduleFailure): void {
    this.#out = out
    this.#lastFailure = failure
    this.#suspicion = undefined
  }

  suspect (suspicion: Suspicion): void {
    this.#suspicion = suspicion
  }

  clear (): void {
    this.#suspicion = undefined
  }

  /** @param sinceMs when it was asked for what has failed */
  failed (failure: ScheduleFailure, sinceMs: number, nowMs: number, { triesPerOwner }: SchedulePolicy): void {
    this.#lastFailure = failure
    if (blameFor(failure.code) === 'busy') this.#busy++
    else if (sinceMs >= this.#failedMs) {
      this.#failedMs = nowMs
      this.#failures++
      this.#breaches = failure.code === 'E_PROTOCOL' ? this.#breaches + 1 : 0
      // An owner may be away for a while. One whose answers make no sense again and again is not just slow.
      if (this.#breaches >= triesPerOwner) this.exclude('refused', failure)
    }
  }

  pause (nowMs: number, { minPauseMs, maxPauseMs, random }: SchedulePolicy): void {
    const pauseMs = Math.min(maxPauseMs, minPauseMs * 2 ** Math.max(0, this.#failures + this.#busy - 1))
    this.#notBeforeMs = nowMs + pauseMs * (0.5 + random() / 2)
  }

  endPause (nowMs: number): void {
    this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs)
    this.takeBack()
  }

  /** A good piece has come from it. */
  served (): void {
    this.#failures = this.#breaches = this.#busy = 0
  }

  /** It is slower than is useful, while another could serve. */
  setAside (nowMs: number, { slowAfterMs }: SchedulePolicy): void {
    this.#isSlow = true
    this.#asideUntilMs = nowMs + slowAfterMs
  }

  isAside (nowMs: number): boolean {
    return nowMs < this.#asideUntilMs
  }

  /** Slow or not, it may be asked. */
  takeBack (): void {
    this.#asideUntilMs = -Infinity
  }
}
