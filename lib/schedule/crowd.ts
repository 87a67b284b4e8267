/** After several partial owners in a row without a free slot the next is likely to have none either: for a moment none is asked. */
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
