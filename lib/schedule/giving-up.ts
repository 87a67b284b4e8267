/** When a download is given up: what failed, whether anybody could still serve, and how long that is waited for. */
import { blameFor } from '../protocol/blame.js'
import { PiecemealError } from '../protocol/errors.js'
import { inSeconds } from '../protocol/units.js'
import type { ScheduleFailure } from './failure.js'
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
  /** When a new byte last came, or the download began. */
  #byteMs: number | undefined
  /** The number of good pieces then, and the most bytes that have come of unfinished ones since. */
  #goodPieces = 0
  #mostLooseBytes = 0
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

  /** Somebody still brings pieces into this swarm. */
  swarmGrew (): void {
    this.#hopelessSinceMs = undefined
  }

  failed (failure: ScheduleFailure): void {
    this.#lastFailure = failure
    if (blameFor(failure.code) === 'ours') this.#fatal = failure
  }

  /**
   * Why the download can't go on, once it can't.
   *
   * @param isHeldUp whether this machine keeps it from going on: that time does not count
   */
  failure (nowMs: number, isHeldUp = false): PiecemealError | undefined {
    if (this.#fatal) return toError(this.#fatal)
    if (this.#pieces.isDone) return undefined
    if (this.#hasNewBytes() || isHeldUp) this.#byteMs = nowMs
    this.#byteMs ??= nowMs
    if (nowMs - this.#byteMs >= this.#policy.giveUpMs) return this.#noByte()
    return this.#nobody(nowMs)
  }

  /** Bytes are new beyond the most that there were of unfinished pieces: a piece that is fetched again brings none. */
  #hasNewBytes (): boolean {
    let looseBytes = 0
    for (const { firstPiece, verifiedPiece, receivedBytes } of this.#pieces.parts.values()) {
      looseBytes += Math.max(0, receivedBytes - (verifiedPiece - firstPiece) * this.#policy.pieceBytes)
    }
    const { size } = this.#pieces.done
    if (size <= this.#goodPieces && looseBytes <= this.#mostLooseBytes) return false
    this.#goodPieces = size
    this.#mostLooseBytes = looseBytes
    return true
  }

  #nobody (nowMs: number): PiecemealError | undefined {
    if (this.#pieces.parts.size > 0 || this.#owners.able(this.#pieces.missing).next().done !== true) {
      this.#hopelessSinceMs = undefined
      return undefined
    }
    this.#hopelessSinceMs ??= nowMs
    // Without the tracker nobody knows whether there is somebody else.
    if (this.#ownersHeardMs <= this.#hopelessSinceMs) return undefined
    const reason = this.#owners.reasonAllAreOut
    if (reason) return toError(reason)
    return nowMs - this.#hopelessSinceMs < this.#policy.ownerWaitMs ? undefined : this.#noOwner()
  }

  #noByte (): PiecemealError {
    const { code, message } = this.#lastFailure ?? { code: 'E_TIMEOUT', message: 'no owner sent anything' }
    return new PiecemealError(code, `no new byte for ${inSeconds(this.#policy.giveUpMs)}, the last failure: ${message}; what is there is kept`)
  }

  #noOwner (): PiecemealError {
    const { pieceCount, done } = this.#pieces
    const who = this.#owners.usable === 0 ? 'no owner was left and none came back' : 'no owner that is left has them and no other came'
    const last = this.#lastFailure ? ` (the last one: ${this.#lastFailure.message})` : ''
    return new PiecemealError('E_NO_OWNER', `${pieceCount - done.size} of ${pieceCount} pieces are missing, ${who} within ${inSeconds(this.#policy.ownerWaitMs)}${last}; what is there is kept`)
  }
}

function toError ({ code, message }: ScheduleFailure): PiecemealError {
  return new PiecemealError(code, message)
}
