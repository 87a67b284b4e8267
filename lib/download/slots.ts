/** How many parts may be fetched at once, by all downloads of a node together: whoever gets no slot waits for its turn. */
export class Slots {
  readonly #count: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor (count: number) {
    this.#count = count
  }

  get free (): number {
    return this.#count - this.#taken
  }

  get taken (): number {
    return this.#taken
  }

  get isFree (): boolean {
    return this.free > 0
  }

  /** Whoever takes one has work for it: looking whether one is free wakes nobody. */
  take (): void {
    if (!this.isFree) throw new Error('no slot is free')
    this.#taken++
  }

  release (): void {
    this.#taken--
    this.pass()
  }

  /** Calls `wake` once, when one is free and nobody waits that came before. */
  wait (wake: () => void): void {
    this.#waiting.add(wake)
  }

  /** Has no use for a free one; whoever waits next is told. */
  pass (): void {
    const [next] = this.#waiting
    if (next === undefined || !this.isFree) return
    this.#waiting.delete(next)
    next()
  }

  /** Whether somebody else waits. */
  isWantedBeside (wake: () => void): boolean {
    return this.#waiting.size > (this.#waiting.has(wake) ? 1 : 0)
  }

  /** Waits no more; a turn that has come is passed on. */
  leave (wake: () => void): void {
    if (!this.#waiting.delete(wake)) this.pass()
  }
}
