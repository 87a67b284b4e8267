/**
 * What an owner's link has shown that it can bring, and which streams take next to nothing of it: those are
 * not to keep quick downloaders out by their number alone. Where slow ones held the places of an owner of
 * 1,000 Mbit a second, an eighth of its link was used, and nodes as quick as that waited for pieces that nobody else had.
 */
import { PATIENT_UPLOAD_STREAMS } from '../protocol/limits.js'

/** A rate over less time than this means little. */
const LOOK_MS = 50
/** After so long without it the best rate counts half: a link gets slower, too. */
const HALF_LIFE_MS = 60_000
/** A stream is judged after so long; */
const JUDGED_AFTER_MS = 500
/** it is slow if so many times as many of its kind would not fill the link. */
const SLOW_FACTOR = 4

export class LinkRate {
  /** Bytes a millisecond. */
  #best = 0
  #sentBytes = 0
  #lookedMs = -Infinity

  /** To be called with each request. @param sentBytes all that was ever sent */
  look (sentBytes: () => number, nowMs: number): void {
    const ms = nowMs - this.#lookedMs
    if (ms < LOOK_MS) return
    const sent = sentBytes()
    this.#best = Math.max((sent - this.#sentBytes) / ms, this.#best * 0.5 ** (ms / HALF_LIFE_MS))
    this.#sentBytes = sent
    this.#lookedMs = nowMs
  }

  /** Whether a stream that brought so much in so long takes hardly anything of the link. */
  isSlow (bytes: number, ms: number): boolean {
    return ms >= JUDGED_AFTER_MS && bytes / ms < this.#best / (SLOW_FACTOR * PATIENT_UPLOAD_STREAMS)
  }
}
