/**
 * Which run of pieces the next part is: what to choose when a download is alone with complete
 * owners, and what in a swarm; how it is picked from the sets of pieces stands in pick-run.ts.
 */
import type { PieceSet } from '../content/piece-set.js'
import type { Bitfields } from './bitfields.js'
import type { Owner } from './owner.js'
import type { Owners } from './owners.js'
import type { Part } from './part.js'
import type { PieceRange } from '../content/run.js'
import { pickAnywhere, pickFront, pickRarest, pickUnseen } from './pick-run.js'
import type { Pieces } from './pieces.js'
import type { SchedulePolicy } from './policy.js'
import type { Reading } from './reading.js'

export type Choice = PieceRange & Pick<Part, 'cutAt'>

export interface RunChooserOptions {
  policy: SchedulePolicy
  pieces: Pieces
  owners: Owners
  bitfields: Bitfields
  reading: Reading
}

export class RunChooser {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  readonly #owners: Owners
  readonly #bitfields: Bitfields
  readonly #reading: Reading
  /** Since when there is nothing else that nobody has but what others were given. */
  #leftSinceMs: number | undefined

  constructor ({ policy, pieces, owners, bitfields, reading }: RunChooserOptions) {
    this.#policy = policy
    this.#pieces = pieces
    this.#owners = owners
    this.#bitfields = bitfields
    this.#reading = reading
  }

  /** What readers wait for, of what an owner has. */
  read (have?: PieceSet): Choice | undefined {
    const range = this.#reading.next(have)
    return range && { ...range, cutAt: 'never' }
  }

  /**
   * The first parts short and anywhere, the others in order and large; but none so large that a slow owner holds up the end.
   *
   * @param streams that are to run at the same time
   */
  alone (streams: number): Choice | undefined {
    const { minPartPieces, minPiecesForOpening, partsPerStream, random } = this.#policy
    const { missing, pieceCount, started } = this.#pieces
    const share = Math.ceil(missing.size / (streams * partsPerStream))
    if (started < streams && pieceCount >= minPiecesForOpening) {
      const range = pickAnywhere(missing, this.#openingPieces(share), random)
      return range && { ...range, cutAt: 'seen' }
    }
    const most = missing.has(0) ? this.#frontPieces(streams) : Math.min(share, this.#piecesOf(this.#policy.maxPartBytes))
    const range = pickFront(missing, Math.max(minPartPieces, most))
    return range && { ...range, cutAt: this.#owners.isSwarm ? 'never' : 'swarm' }
  }

  /** What nobody is known to have, nor to be about to. */
  unseen (owner: Owner, nowMs: number): Choice | undefined {
    if (owner.knowledge.dueMs > nowMs || !this.#bitfields.isSentKnown(owner, nowMs)) return undefined
    const { unseenPartPieces: most, haveEveryMs, random } = this.#policy
    const range = pickUnseen(this.#pieces.missing, [this.#bitfields.availability.seen, ...(owner.knowledge.sent ? [owner.knowledge.sent] : [])], { most, random })
    if (range) this.#leftSinceMs = undefined
    const left = range ?? this.#leftToOthers(nowMs)
    if (left) return { ...left, cutAt: 'seen' }
    this.#bitfields.postpone(owner, nowMs + haveEveryMs)
    return undefined
  }

  /** What others were given and nobody can be asked for: theirs to bring, but not for ever. */
  #leftToOthers (nowMs: number): PieceRange | undefined {
    const { unseenPartPieces: most, leftToOthersMs, random } = this.#policy
    const range = pickUnseen(this.#pieces.missing, [this.#bitfields.availability.seen], { most, random })
    this.#leftSinceMs = range && (this.#leftSinceMs ?? nowMs)
    if (this.#leftSinceMs === undefined || nowMs - this.#leftSinceMs < leftToOthersMs) return undefined
    this.#leftSinceMs = nowMs
    return range
  }

  /** The rarest of what others have, from a complete owner that has nothing to give that nobody has. */
  help (owner: Owner, nowMs: number): Choice | undefined {
    if (owner.knowledge.dueMs <= nowMs) return undefined
    const { availability } = this.#bitfields
    const { partialPartPieces: most, rarestSample: sample, random } = this.#policy
    const range = pickRarest(this.#pieces.missing, availability.seen, availability, { most, sample, random })
    return range && { ...range, cutAt: 'never' }
  }

  /** Whether a partial owner is not known to have nothing that is missing. */
  mayHaveSome ({ knowledge: { have, nothingAt } }: Owner): boolean {
    return have !== undefined && nothingAt !== this.#pieces.returns
  }

  /** The rarest of what a partial owner has. */
  rarest (owner: Owner): Choice | undefined {
    const { missing, returns } = this.#pieces
    const { have } = owner.knowledge
    if (have === undefined) return undefined
    const read = this.read(have)
    if (read) return read
    const { partialPartPieces: most, rarestSample: sample, random } = this.#policy
    const range = pickRarest(missing, have, this.#bitfields.availability, { most, sample, random })
    if (range) return { ...range, cutAt: 'never' }
    this.#bitfields.hasNothing(owner, returns)
    return undefined
  }

  /**
   * The part at the front becomes the beginning of the file and is never copied, so it is as large as
   * one stream can bring while the others bring the rest; but what they bring waits for it.
   */
  #frontPieces (streams: number): number {
    return Math.min(Math.ceil(this.#pieces.pieceCount / streams), this.#piecesOf(this.#policy.maxWaitingBytes / Math.max(1, streams - 1)))
  }

  /** From far away a part of a few pieces is over before it has become fast. */
  #openingPieces (share: number): number {
    const { openingPieces, farOpeningPieces } = this.#policy
    return this.#owners.hasFar ? Math.max(openingPieces, Math.min(farOpeningPieces, share)) : openingPieces
  }

  #piecesOf (bytes: number): number {
    return Math.max(1, Math.floor(bytes / this.#policy.pieceBytes))
  }
}
