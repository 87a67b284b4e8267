/** When a download is given up: what failed, whether anybody could still serve, and how long that is waited for. */
import { blameFor } from '../protocol/blame.js'
import { PiecemealError } from '../protocol/errors.js'
import { inSeconds } from '../protocol/units.js'
import type { ScheduleFailure } from './owner.js'
import type { Owners } from './owners.js'
import type { Pieces } from './pieces.js'
import type { SchedulePolicy } from './policy.js'

export class GivingUp {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #owners: Owners
  /** When owners were heard of last. */
  #ownersHeardMs = -Infinity
  /** Since when there has been neither a running part nor an owner that could serve. */
  #hopelessSinceMs: number | undefined
  /** When a part last brought a good piece, or the download began. */
  #progressMs: number | undefined
  #lastFailure: ScheduleFailure | undefined
  #fatal: ScheduleFailure | undefined

  constructor (policy: SchedulePolicy, pieces: Pieces, owners: Owners) {
    this.#policy = policy
    this.#pieces = pieces
    this.#owners = owners
  }

  /** Whether nothing that an owner could do would help. */
  get isOver (): boolean {
    return this.#fatal !== undefined
  }

  ownersHeard (nowMs: number): void {
    this.#ownersHeardMs = nowMs
  }

  /** A good piece has come. */
  progressed (nowMs: number): void {
    this.#progressMs = nowMs
  }

  /** Somebody still brings pieces into this swarm. */
  hope (): void {
    this.#hopelessSinceMs = undefined
  }

  /** @returns whether it is the owner's to answer for */
  failed (failure: ScheduleFailure): boolean {
    this.#lastFailure = failure
    const { code } = failure
    const isOurOwn = blameFor(code) === 'ours'
    if (isOurOwn) this.#fatal = failure
    return !isOurOwn
  }

  /** Why the download can't go on, once it can't. */
  failure (nowMs: number): PiecemealError | undefined {
    if (this.#fatal) return toError(this.#fatal)
    this.#progressMs ??= nowMs
    const isIdle = this.#pieces.parts.size === 0
    if (this.#pieces.isDone || !isIdle || this.#canAnyoneServe()) {
      const isOutOfGivingUp = isIdle && nowMs - this.#progressMs > this.#policy.patienceMs
      if (isOutOfGivingUp && this.#lastFailure) return toError(this.#lastFailure)
      this.#hopelessSinceMs = undefined
      return undefined
    }
    this.#hopelessSinceMs ??= nowMs
    const outs = [...this.#owners.all()].filter(({ out }) => out)
    const liar = outs.find(({ out }) => out === 'lied')
    const hasAsked = this.#ownersHeardMs > this.#hopelessSinceMs
    const isNoneLeft = outs.length > 0 && this.#owners.usable === 0
    if (hasAsked && isNoneLeft && outs.every(({ out }) => out !== 'lost')) return toError((liar ?? outs.at(-1))?.lastFailure)
    if (nowMs - this.#hopelessSinceMs < this.#policy.ownerWaitMs) return undefined
    if (isNoneLeft) return toError((liar ?? outs.at(-1))?.lastFailure)
    return this.#noOwner()
  }

  #canAnyoneServe (): boolean {
    for (const { out, complete, have } of this.#owners.all()) {
      if (!out && (complete || (have && have.countCommon(this.#pieces.missing) > 0))) return true
    }
    return false
  }

  #noOwner (): PiecemealError {
    const { pieceCount, done } = this.#pieces
    const who = this.#owners.usable === 0 ? 'no owner was left and none came back' : 'no owner that is left has them and none came that has'
    const last = this.#lastFailure ? ` (the last one: ${this.#lastFailure.message})` : ''
    return new PiecemealError('E_NO_OWNER', `${pieceCount - done.size} of ${pieceCount} pieces are missing, ${who} within ${inSeconds(this.#policy.ownerWaitMs)}${last}; what is there is kept`)
  }
}

function toError (failure: ScheduleFailure | undefined): PiecemealError {
  return new PiecemealError(failure?.code ?? 'E_NETWORK', failure?.message ?? 'no owner could serve')
}
