import { MiB, MIN_PIECE_BYTES, TRIES_PER_PART } from '../protocol/limits.js'

/** The numbers that a schedule goes by. Times in milliseconds. */
export interface SchedulePolicy {
  /** Bytes of a piece. */
  pieceBytes: number
  /** Parts of one download that run at once, at most. */
  streams: number
  /** Streams that are wanted even from a single owner, if there are enough pieces to be worth it. */
  minStreams: number
  minPiecesForTwoStreams: number
  /** A part is the missing pieces divided by the streams and by this, so that fast owners carry more. */
  partsPerStream: number
  minPartPieces: number
  /** So much room the glue needs beside the file itself, at most. */
  maxPartBytes: number
  /** With fewer owners than this the tracker is asked again while the download runs. */
  enoughOwners: number
  /** Failures in a row after which an owner is no longer asked. */
  triesPerOwner: number
  minPauseMs: number
  maxPauseMs: number
  /** How long a download without owners waits for one. */
  ownerWaitMs: number
  /** How long owners may be busy without a byte from any of them. */
  patienceMs: number
  /** A part with less than this to go is left to its owner. */
  takeoverMs: number
  slowAfterMs: number
  slowBytesPerSecond: number
  /** From 0 to 1, as `Math.random`. */
  random: () => number
}

export const DEFAULT_POLICY: SchedulePolicy = {
  pieceBytes: MIN_PIECE_BYTES,
  streams: 8,
  minStreams: 2,
  minPiecesForTwoStreams: 8,
  partsPerStream: 2,
  minPartPieces: 4,
  maxPartBytes: 256 * MiB,
  enoughOwners: 4,
  triesPerOwner: TRIES_PER_PART,
  minPauseMs: 500,
  maxPauseMs: 8_000,
  ownerWaitMs: 30_000,
  patienceMs: 600_000,
  takeoverMs: 200,
  slowAfterMs: 30_000,
  slowBytesPerSecond: 16 * 1_024,
  random: Math.random,
}
