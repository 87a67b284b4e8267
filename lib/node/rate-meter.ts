const WINDOW_MS = 3_000

/** Bytes a second over the last three seconds, of something that says how far it has come. */
export class RateMeter {
  readonly #now: () => number
  /** Where it was at times within the window, and at the last one before. */
  #marks: Array<{ ms: number, bytes: number }> = []

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** So many bytes in all by now. The first call says where it begins. */
  reach (bytes: number): void {
    const ms = this.#now()
    this.#marks.push({ ms, bytes })
    while ((this.#marks[1]?.ms ?? ms) < ms - WINDOW_MS) this.#marks.shift()
  }

  bytesPerSecond (): number {
    const first = this.#marks[0]
    const last = this.#marks.at(-1)
    if (first === undefined || last === undefined || last.ms < this.#now() - WINDOW_MS) return 0
    const elapsedMs = this.#now() - first.ms
    return elapsedMs > 0 ? Math.max(0, last.bytes - first.bytes) * 1_000 / elapsedMs : 0
  }
}
