/** When a node turns to another tracker because its own has lost its registry. */
export class DegradedTracker {
  readonly #mostMs: number
  readonly #now: () => number
  #sinceMs: number | undefined
  #hasTried = false

  constructor (mostMs: number, now: () => number = () => performance.now()) {
    this.#mostMs = mostMs
    this.#now = now
  }

  /** What the tracker says. @returns whether another one is to be tried: once, for where the registry is away for all of them, to go from one to the next helps nobody */
  isToBeLeft (isDegraded: boolean): boolean {
    if (!isDegraded) {
      this.#sinceMs = undefined
      this.#hasTried = false
      return false
    }
    this.#sinceMs ??= this.#now()
    if (this.#hasTried || this.#now() - this.#sinceMs < this.#mostMs) return false
    this.#hasTried = true
    return true
  }
}
