import { REFUSAL_PAUSE_MS, REFUSED_PEERS } from '../protocol/limits.js'

/** Who was refused lately, so that a peer that tries for ever makes one line a minute. */
export class Refusals {
  readonly #now: () => number
  /** When each was told of, the longest ago first. */
  readonly #toldMs = new Map<string, number>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether this peer is to be told of now. */
  isNews (peer: string): boolean {
    const nowMs = this.#now()
    for (const [other, ms] of this.#toldMs) {
      if (nowMs - ms < REFUSAL_PAUSE_MS) break
      this.#toldMs.delete(other)
    }
    if (this.#toldMs.has(peer) || this.#toldMs.size >= REFUSED_PEERS) return false
    this.#toldMs.set(peer, nowMs)
    return true
  }
}
