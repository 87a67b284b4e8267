/**
 * Which trackers live, as far as one of them knows: tokens, and the ends of their leases as they were read. A tracker counts as silent once
 * the same end was read for as long as a lease, by this machine's own steady clock: so no clock that steps makes anybody look dead.
 */

/** Between two readings, whatever was read. */
const LEAST_PAUSE_MS = 50

export class Roster {
  readonly #leaseMs: number
  /** Token → the end that was read, and since when it has been the same. */
  #read = new Map<string, { end: number, sinceMs: number }>()
  #newest = ''

  constructor (leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  /** @param list each token and its end @param nowMs of a clock that never steps */
  take (list: ReadonlyArray<readonly [token: string, end: number]>, nowMs: number): void {
    const before = this.#read
    this.#read = new Map(list.map(([token, end]) => {
      const last = before.get(token)
      return [token, last?.end === end ? last : { end, sinceMs: nowMs }]
    }))
    for (const [token] of list) if (token > this.#newest) this.#newest = token
  }

  /** The largest that was ever read, for one that is dead and forgotten is not young again; what is larger is young. */
  get newest (): string {
    return this.#newest
  }

  get living (): string[] {
    return [...this.#read].filter(([, { end }]) => end > 0).map(([token]) => token)
  }

  /** Dead, and its records may still be there. */
  get unswept (): string[] {
    return [...this.#read].filter(([, { end }]) => end === 0).map(([token]) => token)
  }

  /** Not renewed for so long that it can only be dead. */
  silent (nowMs: number): Array<[token: string, end: number]> {
    return [...this.#read].filter(([, { end, sinceMs }]) => end > 0 && nowMs - sinceMs >= this.#leaseMs).map(([token, { end }]) => [token, end])
  }

  /** How long until it is to be read again, at most so long: another tracker that falls silent is found dead then, and not up to a pause later. */
  pauseMs (own: string, nowMs: number, mostMs: number): number {
    const silentMs = [...this.#read].filter(([token, { end }]) => end > 0 && token !== own).map(([, { sinceMs }]) => sinceMs + this.#leaseMs)
    // A timer may be a moment early.
    return Math.max(LEAST_PAUSE_MS, Math.min(mostMs, Math.ceil(Math.min(...silentMs) - nowMs) + 1))
  }

  /** A token that was never seen and is larger than all that were is young, not dead. */
  lives (token: string): boolean {
    const read = this.#read.get(token)
    return read === undefined ? token > this.#newest : read.end > 0
  }
}

/** @param words `TOKEN END TOKEN END …` */
export function parseRoster (words: readonly string[]): Array<[token: string, end: number]> {
  const list: Array<[string, number]> = []
  for (let i = 0; i + 1 < words.length; i += 2) list.push([words[i] as string, Number(words[i + 1])])
  return list
}
