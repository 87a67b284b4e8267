/**
 * The end of a download: nothing is left to hand out, and an idle owner takes over the tail of the
 * part that would take longest, or fetches its last piece a second time, so that one slow owner
 * never holds up the end.
 */
import type { PieceSet } from '../content/piece-set.js'
import type { Owner } from './owner.js'
import { isUseless, msToGo, rateOf, type Part } from './part.js'
import type { PieceRange } from '../content/run.js'
import type { SchedulePolicy } from './policy.js'

/** A part that is worth taking over. */
export interface SlowPart {
  part: Part
  /** Those that fetch the same piece or pieces. */
  rivals: Part[]
  /** Until the first of them will be done. */
  ms: number
}

/** The parts with so long to go that a takeover is worth a connection, the slowest first. */
export function slowParts (parts: ReadonlyMap<number, Part>, done: PieceSet, { takeoverMs, pieceBytes }: SchedulePolicy, nowMs: number): SlowPart[] {
  const slow: SlowPart[] = []
  for (const part of parts.values()) {
    if (msToGo(part, pieceBytes, nowMs) <= takeoverMs || isUseless(part, done)) continue
    const rivals = [...parts.values()].filter((other) =>
      other !== part && other.firstPiece < part.endPiece && part.verifiedPiece < other.endPiece)
    const ms = Math.min(...[part, ...rivals].map((rival) => msToGo(rival, pieceBytes, nowMs)))
    if (ms > takeoverMs) slow.push({ part, rivals, ms })
  }
  return slow.sort((a, b) => b.ms - a.ms)
}

/** As much of the end of a slow part as makes both be done at the same time, if the owner has it; undefined if it is at its last piece. */
export function tailOf ({ part }: SlowPart, owner: Owner, nowMs: number): PieceRange | undefined {
  const { verifiedPiece, endPiece } = part
  const waiting = endPiece - verifiedPiece - 1
  const share = owner.bytesPerMs === undefined ? 0.5 : owner.bytesPerMs / (owner.bytesPerMs + rateOf(part, nowMs))
  let firstPiece = endPiece
  const least = endPiece - Math.min(waiting, Math.round((waiting + 1) * share))
  while (firstPiece > least && (owner.complete || owner.knowledge.have?.has(firstPiece - 1))) firstPiece--
  return firstPiece < endPiece ? { firstPiece, endPiece } : undefined
}

/** The last piece of a slow part, to be fetched a second time, if the owner is likely to be the faster one. */
export function lastPieceOf ({ part, rivals, ms }: SlowPart, owner: Owner, { pieceBytes }: SchedulePolicy): PieceRange | undefined {
  const { verifiedPiece, endPiece } = part
  if (endPiece - verifiedPiece > 1 || !(owner.complete || owner.knowledge.have?.has(verifiedPiece))) return undefined
  if ([part, ...rivals].some((rival) => rival.owner === owner.key)) return undefined
  const isFaster = owner.bytesPerMs === undefined || pieceBytes / owner.bytesPerMs < ms
  return isFaster ? { firstPiece: verifiedPiece, endPiece } : undefined
}
