/** How long an owner has said nothing, and how long it may, by what it is to say next. Time in which this thread stood still itself does not count. */
import type { Deadlines } from '../protocol/limits.js'

export type Phase = 'connecting' | 'waiting' | 'receiving'

export interface SilenceOptions {
  deadlines: Pick<Deadlines, 'connectMs' | 'firstLineMs' | 'dataStallMs'>
  /** How often it is looked at. */
  lookMs: number
  now?: () => number
}

export class Silence {
  readonly #options: Required<SilenceOptions>
  #phase: Phase = 'connecting'
  #sinceMs: number
  #lookedMs: number
  #mostStillMs = 0

  constructor ({ now = () => performance.now(), ...options }: SilenceOptions) {
    this.#options = { now, ...options }
    this.#sinceMs = this.#lookedMs = now()
  }

  get phase (): Phase {
    return this.#phase
  }

  /** The longest time between two looks at the clock, if it was long: the thread waited for a disk, or its machine slept. */
  get longStillMs (): number | undefined {
    return this.#mostStillMs < this.#options.deadlines.dataStallMs / 2 ? undefined : this.#mostStillMs
  }

  enter (phase: Phase): void {
    this.#phase = phase
    this.restart()
  }

  /** What could not be said so far is no silence. */
  restart (): void {
    this.#sinceMs = this.#options.now()
  }

  look (): void {
    const nowMs = this.#options.now()
    const stillMs = Math.max(0, nowMs - this.#lookedMs - this.#options.lookMs)
    this.#lookedMs = nowMs
    this.#mostStillMs = Math.max(this.#mostStillMs, stillMs)
    this.#sinceMs = Math.min(nowMs, this.#sinceMs + stillMs)
  }

  /** The deadline that has passed, if one has, as of the last look. */
  get brokenDeadlineMs (): number | undefined {
    const { connectMs, firstLineMs, dataStallMs } = this.#options.deadlines
    const mostMs = { connecting: connectMs, waiting: firstLineMs, receiving: dataStallMs }[this.#phase]
    return this.#lookedMs - this.#sinceMs > mostMs ? mostMs : undefined
  }
}
