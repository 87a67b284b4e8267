/** Where others reach this node: what it says of that, what it proves, and what its tracker has found. */
import { formatAdvertised, isWildcard, type AdvertisedAddress } from '../protocol/address.js'
import { PROBES_PER_MINUTE } from '../protocol/limits.js'

const MINUTE_MS = 60_000

export class Reached {
  readonly #advertise: string | undefined
  readonly #now: () => number
  #probesMs: number[] = []
  #isTold = false
  /** Whether the tracker wants to hear what goes on here. */
  wantsReports = false

  /** @param hosts what the node listens on; without `advertise` the first of them that is no wildcard is said, for a tracker may see the node elsewhere */
  constructor (advertise: AdvertisedAddress | undefined, hosts: readonly string[], now: () => number = () => performance.now()) {
    const own = hosts.find((host) => !isWildcard(host))
    this.#advertise = advertise ? formatAdvertised(advertise) : own
    this.#now = now
  }

  /** To be said with an `alive`. */
  get fields (): { advertise?: string } {
    return this.#advertise === undefined ? {} : { advertise: this.#advertise }
  }

  /** Whether a probe that came to one of our ports is to be said back: strangers can send them, too. */
  maySayBack (): boolean {
    const nowMs = this.#now()
    this.#probesMs = this.#probesMs.filter((ms) => nowMs - ms < MINUTE_MS)
    if (this.#advertise === undefined || this.#probesMs.length >= PROBES_PER_MINUTE) return false
    this.#probesMs.push(nowMs)
    return true
  }

  /** What a tracker says. @returns whether its user is to be told that it can't be reached: once, until it can */
  isNewsOf (reachable: boolean | undefined): boolean {
    if (reachable !== false) {
      if (reachable) this.#isTold = false
      return false
    }
    const isNews = !this.#isTold
    this.#isTold = true
    return isNews
  }
}
