/** Threads that fetch, shared by all downloads of a node: whoever gets none waits for its turn. */
import { availableParallelism } from 'node:os'
import { StreamCount } from './stream-count.js'

export class Slots {
  readonly #count: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor (count: number) {
    this.#count = count
  }

  get count (): number {
    return this.#count
  }

  get taken (): number {
    return this.#taken
  }

  get isFree (): boolean {
    return this.#taken < this.#count
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

  /** Waits no more; a turn that has come is passed on. */
  leave (wake: () => void): void {
    if (!this.#waiting.delete(wake)) this.pass()
  }
}

/** What was seen of the machine before a pause like this is old. */
const PAUSE_MS = 1_000

/**
 * Those of the slots that parts take which are over in a moment: to start a thread takes more of a
 * processor than many of them do, so there are as many as threads that run anyway, and more only
 * while the machine waits.
 */
export class BriefSlots extends Slots {
  readonly #all: Slots
  readonly #threads = availableParallelism()
  #useful: StreamCount
  #takenMs = -Infinity

  constructor (all: Slots) {
    super(all.count)
    this.#all = all
    this.#useful = new StreamCount(all.count)
  }

  override get isFree (): boolean {
    if (!super.isFree || !this.#all.isFree) return false
    return this.taken < this.#threads || this.taken < this.#useful.at(performance.now())
  }

  override take (): void {
    const nowMs = performance.now()
    if (nowMs - this.#takenMs > PAUSE_MS) this.#useful = new StreamCount(this.count)
    this.#takenMs = nowMs
    this.#all.take()
    super.take()
  }

  override release (): void {
    this.#all.release()
    super.release()
  }
}
