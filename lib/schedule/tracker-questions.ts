/** When the tracker is asked for owners again: soon while a download is young, for it might be one of many; rarely where there are enough. */
import type { Owners } from './owners.js'
import type { Pieces } from './pieces.js'
import type { SchedulePolicy } from './policy.js'

export class TrackerQuestions {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #owners: Owners
  /** When the first owners were heard of. */
  #startedMs: number | undefined
  #askedMs = -Infinity
  #isAsking = false

  constructor (policy: SchedulePolicy, pieces: Pieces, owners: Owners) {
    this.#policy = policy
    this.#pieces = pieces
    this.#owners = owners
  }

  /** Whether it is to be asked now; if so it counts as being asked until it has `answered` or `failed`. */
  isDue (nowMs: number): boolean {
    if (this.#isAsking || nowMs - this.#askedMs < this.#everyMs(nowMs)) return false
    this.#askedMs = nowMs
    this.#isAsking = true
    return true
  }

  answered (nowMs: number): void {
    this.#startedMs ??= nowMs
    // The first answer comes unasked.
    if (!this.#isAsking) this.#askedMs = nowMs
    this.#isAsking = false
  }

  failed (): void {
    this.#isAsking = false
  }

  #everyMs (nowMs: number): number {
    const { enoughOwners, noOwnersMs, ownersSoonMs, ownersEveryMs, ownersRarelyMs } = this.#policy
    if (this.#pieces.parts.size === 0) return noOwnersMs
    const ageMs = nowMs - (this.#startedMs ?? nowMs)
    return Math.min(Math.max(ownersSoonMs, ageMs / 2), this.#owners.usable < enoughOwners ? ownersEveryMs : ownersRarelyMs)
  }
}
