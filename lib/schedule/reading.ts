/**
 * Whoever reads a content while it comes waits for the next piece. Those are fetched first, and then
 * what follows them: of all readers the one has its turn that is nearest to a piece that is missing.
 */
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import type { Part } from './part.js'
import type { Pieces } from './pieces.js'
import type { SchedulePolicy } from './policy.js'

export class Reading {
  readonly #policy: SchedulePolicy
  readonly #pieces: Pieces
  #ranges: readonly PieceRange[] = []

  constructor (policy: SchedulePolicy, pieces: Pieces) {
    this.#policy = policy
    this.#pieces = pieces
  }

  /** Whether anybody reads. */
  get isOn (): boolean {
    return this.#ranges.length > 0
  }

  /** What each reader is at, and where it ends; whatever was told before counts no more. */
  set (ranges: readonly PieceRange[]): void {
    this.#ranges = ranges
  }

  /**
   * The missing pieces that are to come next, if anybody reads; of those that an owner has. What is read soon
   * is in small parts, so that all streams bring some of it; what is further away may be in larger ones.
   */
  next (have?: PieceSet): PieceRange | undefined {
    const { missing, pieceCount } = this.#pieces
    let best: { firstPiece: number, pieces: number, isAskedFor: boolean } | undefined
    for (const range of this.#ranges) {
      const firstPiece = firstCommon(missing, have, range.firstPiece)
      if (firstPiece === pieceCount) continue
      const candidate = { firstPiece, pieces: firstPiece - range.firstPiece, isAskedFor: firstPiece < range.endPiece }
      if (best === undefined || isSooner(candidate, best)) best = candidate
    }
    if (best === undefined) return undefined
    const { firstPiece, pieces } = best
    const { readPartPieces, maxPartBytes, pieceBytes } = this.#policy
    const most = Math.max(readPartPieces, Math.min(Math.floor(pieces / 2), Math.floor(maxPartBytes / pieceBytes)))
    return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece), have?.firstGapFrom(firstPiece) ?? pieceCount) }
  }

  /** Parts that had better end after the piece at hand: a reader waits for a piece that nobody is about to bring, and they take long. */
  * inTheWay (): Generator<Part, void> {
    const { readPartPieces } = this.#policy
    const isAtHand = (piece: number): boolean => this.#partsWith(piece).some(({ verifiedPiece }) => piece - verifiedPiece <= readPartPieces)
    if (this.#awaited().every(isAtHand)) return
    for (const part of this.#pieces.parts.values()) if (part.endPiece - part.verifiedPiece - 1 > readPartPieces) yield part
  }

  /** A piece that a reader waits for, and its owner has fallen silent: with the part that is to bring it. */
  stalled (nowMs: number): { piece: number, part: Part } | undefined {
    for (const piece of this.#awaited()) {
      const [part, rival] = this.#partsWith(piece)
      if (part !== undefined && rival === undefined && nowMs - part.lastByteMs > this.#policy.slackMs) return { piece, part }
    }
    return undefined
  }

  /** The next piece of each reader, if it is not there. */
  #awaited (): number[] {
    return this.#ranges.flatMap(({ firstPiece, endPiece }) => {
      const piece = this.#pieces.done.firstGapFrom(firstPiece)
      return piece < endPiece ? [piece] : []
    })
  }

  #partsWith (piece: number): Part[] {
    return [...this.#pieces.parts.values()].filter(({ verifiedPiece, endPiece }) => verifiedPiece <= piece && piece < endPiece)
  }
}

function isSooner (one: { pieces: number, isAskedFor: boolean }, other: { pieces: number, isAskedFor: boolean }): boolean {
  return one.isAskedFor === other.isAskedFor ? one.pieces < other.pieces : one.isAskedFor
}

function firstCommon (set: PieceSet, other: PieceSet | undefined, from: number): number {
  for (let piece = set.firstFrom(from); ; piece = set.firstFrom(piece)) {
    const next = other?.firstFrom(piece) ?? piece
    if (next === piece) return piece
    piece = next
  }
}
