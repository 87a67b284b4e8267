/** What a schedule wants done, as values: the driver that carries the orders out keeps what it needs of them. */
import type { PiecemealError } from '../protocol/errors.js'
import type { Part } from './part.js'

/** A part as it is started; its end may be lowered later. */
export type PartToStart = Pick<Part, 'id' | 'owner' | 'firstPiece' | 'endPiece' | 'isPatient'>

export type Order =
  /** Fetch these pieces from that owner. `progress` and `ended` are to tell of it. */
  | { order: 'start', part: PartToStart }
  /** The part ends before this piece, for others bring the rest. */
  | { order: 'shorten', id: number, endPiece: number }
  /** The part is of no more use, or too slow. It runs until `ended` is told. */
  | { order: 'cancel', id: number }
  /** Ask an owner what it has: `setHave` or `askFailed` is to follow. */
  | { order: 'ask have', owner: string }
  /** Ask a complete owner what it gave away lately: `setSent` or `askFailed` is to follow. */
  | { order: 'ask sent', owner: string }
  /** Ask the tracker who owns the content: `setOwners` or `trackerFailed` is to follow. */
  | { order: 'ask tracker' }
  /** Give up; nothing follows. */
  | { order: 'fail', failure: PiecemealError }
  /** Every piece is there; nothing follows. */
  | { order: 'done' }

/** What the machine has left for a download. */
export interface Machine {
  /** Parts that may be started now. */
  slots: number
  /** So many parts are of use at once, beside those that hardly get on. */
  streams: number
  /** No more parts than this at once, whatever the policy allows. @default Infinity */
  most?: number
  /** Whether its processors have little time left: then a quick owner is better than many small parts from others. */
  isBusy: boolean
  /** Whether its own limit may be why an owner is slow. @default false */
  isLimited?: boolean
  /** Whether it keeps the download from going on: the time is nobody's fault then. @default false */
  isHeldUp?: boolean
  /** Whether owners may be asked what they have. @default true */
  mayAsk?: boolean
}
