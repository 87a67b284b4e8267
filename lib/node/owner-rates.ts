/** How fast each owner has sent since it was asked before. */
import { OWNERS_PER_REPLY } from '../protocol/limits.js'

export class OwnerRates {
  #before = new Map<string, number>()
  #beforeMs: number | undefined

  /** @returns those that have sent anything since then, in bytes a second; the first time nobody has */
  look (now: Map<string, number>, nowMs: number): Array<[owner: string, rate: number]> {
    const seconds = (nowMs - (this.#beforeMs ?? nowMs)) / 1_000
    const rates = seconds <= 0 ? [] : [...now].map(([owner, bytes]): [string, number] => [owner, Math.max(0, Math.round((bytes - (this.#before.get(owner) ?? 0)) / seconds))])
    this.#before = now
    this.#beforeMs = nowMs
    return rates.filter(([, rate]) => rate > 0).slice(0, OWNERS_PER_REPLY)
  }
}
