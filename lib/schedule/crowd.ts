/** Where one partial owner after the other has no free slot, the next one has none either: none is asked for a moment. */
import type { SchedulePolicy } from './policy.js'

export class Crowd {
  readonly #policy: SchedulePolicy
  /** In a row. */
  #refusals = 0
  #untilMs = -Infinity

  constructor (policy: SchedulePolicy) {
    this.#policy = policy
  }

  isCrowded (nowMs: number): boolean {
    return nowMs < this.#untilMs
  }

  refused (nowMs: number): void {
    const { refusalsInARow, crowdedMs, random } = this.#policy
    if (++this.#refusals < refusalsInARow) return
    this.#refusals = 0
    this.#untilMs = nowMs + crowdedMs * (0.5 + random() / 2)
  }

  served (): void {
    this.#refusals = 0
  }
}
