/** How long a download has had no new byte, and what it waits for: told after a while, whenever it is looked at, and when it goes on. */
import type { Waiting } from './waiting.js'

/** What a download waits for just now. */
export type Reason = Pick<Waiting, 'for' | 'owners'>

/** Without a byte for so long it is told that it waits. */
const STANDSTILL_MS = 5_000

export class Standstill {
  readonly #file: string
  readonly #onWaiting: ((waiting: Waiting | undefined) => void) | undefined
  /** None while it has something to do itself. */
  #reason: (() => Reason) | undefined
  #movedMs: number
  #turnMs: number
  #isTold = false

  constructor (file: string, nowMs: number, onWaiting?: (waiting: Waiting | undefined) => void) {
    this.#file = file
    this.#movedMs = this.#turnMs = nowMs
    this.#onWaiting = onWaiting
  }

  /** A byte has come. */
  moved (nowMs: number): void {
    this.#movedMs = nowMs
    if (this.#isTold) this.#onWaiting?.(undefined)
    this.#isTold = false
  }

  /** It has a turn again, and time to make something of it. */
  hasTurn (nowMs: number): void {
    this.#turnMs = nowMs
  }

  /** From now on it waits, until it has something to do itself. */
  waits (reason: () => Reason): void {
    this.#reason = reason
  }

  works (nowMs: number): void {
    this.#reason = undefined
    this.moved(nowMs)
  }

  /** Whether it has got nowhere for so long, since it last had a turn. */
  isLong (nowMs: number, ms: number): boolean {
    return this.#reason !== undefined && nowMs - Math.max(this.#movedMs, this.#turnMs) >= ms
  }

  /** To be called again and again. */
  look (nowMs: number): void {
    if (this.#reason === undefined) this.#movedMs = nowMs
    else if (nowMs - this.#movedMs >= STANDSTILL_MS) {
      this.#isTold = true
      this.#onWaiting?.({ file: this.#file, ...this.#reason(), seconds: Math.round((nowMs - this.#movedMs) / 1_000) })
    }
  }
}
