/** One owner as the schedule sees it: what the tracker told of it, and what became of it. */
import type { PieceSet } from '../content/piece-set.js'
import type { ErrorCode } from '../protocol/errors.js'

/** An owner as the tracker tells of it; `key` is where its data comes from. */
export interface ScheduledOwner {
  key: string
  /** Whether it has every piece; one that has not serves nothing until it is known which it has. */
  complete: boolean
}

export interface ScheduleFailure {
  code: ErrorCode
  message: string
}

export interface OwnerState extends ScheduledOwner {
  streams: number
  /** Failures since a piece of it was last good. */
  failures: number
  /** Times in a row that it had no free slot. */
  busy: number
  notBeforeMs: number
  /** How fast its last part came, once that is known. */
  bytesPerMs?: number
  /** Why it is no longer asked; a 'lost' one gets another chance when it is announced anew. */
  out?: 'lied' | 'refused' | 'lost'
  lastFailure?: ScheduleFailure
  /** What a partial owner has, as far as is known. */
  have?: PieceSet | undefined
  /** When to ask a partial owner again what it has; a complete one is not asked before what it gave away. */
  haveDueMs: number
  /** What a complete owner gave away lately, if it says so, as of `sentMs`. */
  sent?: PieceSet | undefined
  sentMs: number
  /** Pieces that came to be missing, as counted when it was last seen to have none of them; -1 if it may have one. */
  nothingAt: number
}
