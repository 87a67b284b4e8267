const WINDOW_MS = 3_000

/** Bytes a second over the last three seconds. */
export class RateMeter {
  readonly #now: () => number
  readonly #startedMs: number
  #samples: Array<{ ms: number, bytes: number }> = []

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedMs = now()
  }

  add (bytes: number): void {
    this.#forget()
    this.#samples.push({ ms: this.#now(), bytes })
  }

  bytesPerSecond (): number {
    this.#forget()
    const elapsedMs = Math.min(WINDOW_MS, Math.max(1, this.#now() - this.#startedMs))
    return this.#samples.reduce((sum, { bytes }) => sum + bytes, 0) * 1_000 / elapsedMs
  }

  #forget (): void {
    const oldestMs = this.#now() - WINDOW_MS
    this.#samples = this.#samples.filter(({ ms }) => ms >= oldestMs)
  }
}
