/** Shares that a tracker does not understand, or whose name it does not allow: an old tracker is not told of them again and again. */
import type { PiecemealError } from '../protocol/errors.js'
import { REFUSED_SHARE_MS, SHARES_PER_NODE } from '../protocol/limits.js'

interface Share {
  filename: string
  digest: string
}

export class RefusedShares {
  readonly #now: () => number
  readonly #refused = new Map<string, { reason: PiecemealError, ms: number }>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  add (share: Share, reason: PiecemealError): void {
    if (reason.code !== 'E_PROTOCOL' && reason.code !== 'E_NAME') return
    if (this.#refused.size < SHARES_PER_NODE) this.#refused.set(keyOf(share), { reason, ms: this.#now() })
  }

  /** Why it is not announced now, if it was refused lately. */
  reasonOf (share: Share): PiecemealError | undefined {
    const refused = this.#refused.get(keyOf(share))
    if (refused === undefined) return undefined
    if (this.#now() - refused.ms < REFUSED_SHARE_MS) return refused.reason
    this.#refused.delete(keyOf(share))
    return undefined
  }
}

function keyOf ({ filename, digest }: Share): string {
  return `${digest} ${filename}`
}
