/** Who has shown wrong tokens lately, and so often that it looks like guessing. */
import { HTTP_FAILED_TRIES, HTTP_FAILED_TRIES_MS, HTTP_TRIED_ADDRESSES } from '../protocol/limits.js'

export class FailedTries {
  readonly #now: () => number
  /** When each network failed, the one that did so longest ago first. */
  readonly #failedMs = new Map<string, number[]>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** One more. @returns seconds until the next is heard, if there were too many before */
  add (network: string): number | undefined {
    const nowMs = this.#now()
    const recent = (this.#failedMs.get(network) ?? []).filter((ms) => nowMs - ms < HTTP_FAILED_TRIES_MS)
    const isOneTooMany = recent.length >= HTTP_FAILED_TRIES
    // What was not heard does not count, or a scraper with an old token would never be heard again.
    if (!isOneTooMany) recent.push(nowMs)
    this.#failedMs.delete(network)
    this.#failedMs.set(network, recent)
    const [oldest] = this.#failedMs.keys()
    if (oldest !== undefined && this.#failedMs.size > HTTP_TRIED_ADDRESSES) this.#failedMs.delete(oldest)
    return isOneTooMany ? Math.max(1, Math.ceil(((recent[0] ?? nowMs) + HTTP_FAILED_TRIES_MS - nowMs) / 1_000)) : undefined
  }
}
