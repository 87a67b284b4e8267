/** A number of things that may go on at once, shared by all who ask: whoever gets none is told when one is free. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor (count: number) {
    this.#free = count
  }

  get isFree (): boolean {
    return this.#free > 0
  }

  /** Whoever takes one has work for it: looking whether one is free wakes nobody. */
  take (): void {
    if (this.#free === 0) throw new Error('no slot is free')
    this.#free--
  }

  release (): void {
    this.#free++
    for (const wake of this.#waiting) wake()
  }

  /** Calls `wake` at every release until the returned function is called. */
  onRelease (wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => { this.#waiting.delete(wake) }
  }
}
