/** A part: a run of pieces that one owner was asked for over one stream. */
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'

export interface Part extends PieceRange {
  readonly id: number
  readonly owner: string
  readonly firstPiece: number
  /** Exclusive; lowered when the tail goes to another owner. */
  endPiece: number
  /** Whether it is to be cut short as soon as a swarm is seen, where it meets a piece that a partial owner has, or not at all. */
  readonly cutAt: 'swarm' | 'seen' | 'never'
  /** Whether its owner may refuse it while it serves many others. */
  readonly isPatient: boolean
  /** The first piece of the part that is not known to be good. */
  verifiedPiece: number
  receivedBytes: number
  /** When `receivedBytes` last grew. */
  lastByteMs: number
  /** When a piece of it was last good, or it was started. */
  lastPieceMs: number
  readonly startedMs: number
  /** Too slow to be waited for: its owner is not asked again. */
  isGivenUp?: boolean
}

/** Bytes a millisecond since the part was started. */
export function rateOf ({ receivedBytes, startedMs }: Part, nowMs: number): number {
  return receivedBytes / Math.max(1, nowMs - startedMs)
}

/** By the part's own rate so far; but one that is silent will go on to be so for as long again. */
export function msToGo (part: Part, pieceBytes: number, nowMs: number): number {
  const { firstPiece, endPiece, receivedBytes, lastByteMs } = part
  const silentMs = nowMs - lastByteMs
  if (receivedBytes === 0) return silentMs
  const left = (endPiece - firstPiece) * pieceBytes - receivedBytes
  return Math.max(left / rateOf(part, nowMs), silentMs)
}

/** Whether all that it could still bring is there already. */
export function isUseless ({ verifiedPiece, endPiece }: Part, done: PieceSet): boolean {
  return verifiedPiece < endPiece && done.firstGapFrom(verifiedPiece) >= endPiece
}
