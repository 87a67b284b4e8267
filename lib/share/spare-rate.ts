/**
 * Whether the streams that an owner serves leave much of its link unused: what goes out is less than a
 * quarter of what lately did. Those that fetch slowly are not to keep the quick ones out by their number alone.
 */

/** A rate over less time than this means little; and each stream that is let in shows first what it changes. */
const LOOK_MS = 50
/** After so long without it the best rate counts half: a link gets slower, too. */
const HALF_LIFE_MS = 60_000

export class SpareRate {
  /** Bytes a millisecond. */
  #best = 0
  #sentBytes = 0
  #lookedMs = -Infinity

  /**
   * Whether one stream more than usual is of use. To be asked with each request, so that it knows what the link can bring.
   *
   * @param sentBytes all that was ever sent
   */
  isThere (sentBytes: () => number, nowMs: number): boolean {
    const ms = nowMs - this.#lookedMs
    if (ms < LOOK_MS) return false
    const sent = sentBytes()
    const rate = (sent - this.#sentBytes) / ms
    this.#best = Math.max(rate, this.#best * 0.5 ** (ms / HALF_LIFE_MS))
    this.#sentBytes = sent
    this.#lookedMs = nowMs
    return rate < this.#best / 4
  }
}
