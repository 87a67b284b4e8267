import type { ErrorCode } from '../protocol/errors.js'

/** What a part or a question ended with. */
export interface ScheduleFailure {
  code: ErrorCode
  message: string
}

/** A failure that is not the owner's fault if it no longer has the piece that was due. */
export interface Suspicion {
  failure: ScheduleFailure
  piece: number
  /** When it was asked for what did not come. */
  sinceMs: number
}
