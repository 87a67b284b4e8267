/** Which owner is asked next, of those that may be. */
import type { Owner } from './owner.js'
import type { Owners } from './owners.js'
import type { SchedulePolicy } from './policy.js'

export class OwnerPicker {
  readonly #policy: SchedulePolicy
  readonly #owners: Owners

  constructor (policy: SchedulePolicy, owners: Owners) {
    this.#policy = policy
    this.#owners = owners
  }

  /** A complete owner that may be asked now, with the fewest failures and streams, or undefined. */
  idlestComplete (nowMs: number, mostStreams: number): Owner | undefined {
    let best: Owner | undefined
    let equals = 0
    for (const owner of this.#owners.complete) {
      if (!this.#mayBeAsked(owner, nowMs, mostStreams)) continue
      const order = best ? owner.standing.failures - best.standing.failures || owner.streams - best.streams : -1
      if (order > 0) continue
      equals = order < 0 ? 1 : equals + 1
      if (order < 0 || this.#policy.random() * equals < 1) best = owner
    }
    return best
  }

  /**
   * What a partial owner gives, one that may be asked now and has something that is missing. Those without
   * failures and with the fewest streams come first. Of a few of them, from a random one on, it is the one
   * that was fastest last, which is likely to have few others to serve.
   */
  tryPartial<T> (nowMs: number, mostStreams: number, mayHaveSome: (owner: Owner) => boolean, take: (owner: Owner) => T | undefined): T | undefined {
    if (this.#owners.crowd.isCrowded(nowMs)) return undefined
    const { partial } = this.#owners
    const { length } = partial
    const start = Math.floor(this.#policy.random() * length)
    for (let streams = 0; streams < mostStreams; streams++) {
      for (const isTrusted of [true, false]) {
        const compared: Owner[] = []
        // Those that may be asked after these.
        let others = 0
        for (let i = 0; i < length; i++) {
          const owner = partial[start + i < length ? start + i : start + i - length]
          if (owner === undefined || !mayHaveSome(owner) || !this.#mayBeAsked(owner, nowMs, mostStreams)) continue
          if (owner.streams !== streams || (owner.standing.failures === 0) !== isTrusted) {
            others++
            continue
          }
          compared.push(owner)
          if (compared.length < this.#policy.ownersCompared) continue
          const taken = takeFastest(compared, take)
          if (taken) return taken
        }
        while (compared.length > 0) {
          const taken = takeFastest(compared, take)
          if (taken) return taken
        }
        if (others === 0) return undefined
      }
    }
    return undefined
  }

  /** Those that may be asked now, the ones with the fewest failures and streams first. */
  idle (nowMs: number, mostStreams: number): Owner[] {
    return [...this.#owners.all()]
      .filter((owner) => this.#mayBeAsked(owner, nowMs, mostStreams))
      .sort((a, b) => a.standing.failures - b.standing.failures || a.streams - b.streams)
  }

  /** A lost owner has one stream, until it shows that it serves. */
  #mayBeAsked ({ standing, streams }: Owner, nowMs: number, mostStreams: number): boolean {
    return standing.mayBeAsked(nowMs) && streams < (standing.isLost(this.#policy) ? 1 : mostStreams)
  }
}

/**
 * Takes from the fastest of these, and removes it. One whose rate is not known is as fast as the known ones
 * are on average: as the fastest, each that the tracker names would be tried before those that are quick.
 */
function takeFastest<T> (owners: Owner[], take: (owner: Owner) => T | undefined): T | undefined {
  const usualBytesPerMs = averageRate(owners)
  let fastest = 0
  let mostBytesPerMs = -1
  for (let i = 0; i < owners.length; i++) {
    const { bytesPerMs = usualBytesPerMs } = owners[i] ?? {}
    if (bytesPerMs <= mostBytesPerMs) continue
    fastest = i
    mostBytesPerMs = bytesPerMs
  }
  const owner = owners[fastest]
  const last = owners.pop()
  if (last !== undefined && last !== owner) owners[fastest] = last
  return owner && take(owner)
}

/** Of those whose rate is known; 0 if none is. */
function averageRate (owners: readonly Owner[]): number {
  let known = 0
  let total = 0
  for (const { bytesPerMs } of owners) {
    if (bytesPerMs === undefined) continue
    known++
    total += bytesPerMs
  }
  return total / Math.max(1, known)
}
