import type { PieceRange } from '../content/run.js'
import { DEADLINES, MIN_PIECE_BYTES, TRIES_PER_PART } from '../protocol/limits.js'
import { MiB } from '../protocol/units.js'

/** The numbers that a schedule goes by. Times in milliseconds. */
export interface SchedulePolicy {
  /** Bytes of a piece. */
  pieceBytes: number
  /** Parts of one download that run at once, at most. */
  streams: number
  /** Streams of a download in a swarm that has no piece yet; one more for each that it has. */
  newcomerStreams: number
  /** Streams that are wanted even from a single owner, if there are enough pieces to be worth it. */
  minStreams: number
  minPiecesForTwoStreams: number
  /** The same where a round trip to an owner takes `farMs` or longer. */
  farStreams: number
  farMs: number
  /** A part is the missing pieces divided by the streams and by this, so that fast owners carry more. */
  partsPerStream: number
  minPartPieces: number
  /** A part from an owner that has not all of it itself, at most: what has come is there for others the sooner. */
  partialPartPieces: number
  /** A part of what somebody reads meanwhile, if it is read soon. */
  readPartPieces: number
  /** A part from a complete owner in a swarm, at most. */
  unseenPartPieces: number
  /** So many missing pieces are looked at for the rarest, at most. */
  rarestSample: number
  /** The first parts of a download, at random places, if it has at least `minPiecesForOpening`. */
  openingPieces: number
  /** The same from owners that are far away, at most. */
  farOpeningPieces: number
  minPiecesForOpening: number
  /** Any other part than the one at the front: so much room the glue needs beside the file itself. */
  maxPartBytes: number
  /** What the other streams bring until the part at the front is there, at most, if all are equally fast. */
  maxWaitingBytes: number
  /** With fewer owners than this the tracker is asked more often. */
  enoughOwners: number
  /** Partial owners beyond so many owners are forgotten once the tracker lists others. */
  ownersKept: number
  /** How often it is looked whether running parts had better end, and whether the tracker is to be asked. */
  lookEveryMs: number
  /** Of so many partial owners the fastest is asked. */
  ownersCompared: number
  /** The tracker is asked for owners so often while there is none to fetch from; */
  noOwnersMs: number
  /** otherwise after half of the time that the download has run for, between these, */
  ownersSoonMs: number
  ownersRarelyMs: number
  /** or at most this while there are few. */
  ownersEveryMs: number
  /** A partial owner is asked what it has so often; one that has more than `plentyPieces` to give only `haveRarelyMs`. */
  haveEveryMs: number
  haveRarelyMs: number
  plentyPieces: number
  /** What a complete owner says it gave away counts for so long. */
  sentFreshMs: number
  /** Partial owners that are asked at the same time, at most. */
  havesAtOnce: number
  /** In a swarm complete owners help with what partial ones have only if that would take longer than this. */
  helpMs: number
  /** When there is nothing else that nobody has, pieces that others were given are left to them for so long. */
  leftToOthersMs: number
  /** Failures in a row after which nobody counts on an owner: it is tried on, but others need not wait for it. */
  triesPerOwner: number
  /** So often in a row an owner may refuse whoever could wait, before that one could not. */
  patientTries: number
  /** After so many partial owners in a row that were busy no other one is asked for so long. */
  refusalsInARow: number
  crowdedMs: number
  minPauseMs: number
  maxPauseMs: number
  /** How long a download without owners waits for one. */
  ownerWaitMs: number
  /** How long owners may be listed without a new byte from any of them. */
  giveUpMs: number
  /** A part with less than this to go is left to its owner. */
  takeoverMs: number
  /** And one that is over within so many round trips to whoever would take over. */
  takeoverTrips: number
  /** A complete owner that brings this much on a stream needs no help, if the machine that fetches has enough to do. */
  quickBytesPerSecond: number
  /** A part that has brought no piece for so long, or for as long as one takes at this rate, does not count as one of the streams that are of use. */
  slackMs: number
  slackBytesPerSecond: number
  slowAfterMs: number
  slowBytesPerSecond: number
  /** In a swarm a part is given up, once for each owner, if after so long the fastest owner brings this many times as much on a stream. */
  laggardAfterMs: number
  laggardFactor: number
  /** Where a part has to end that begins with the first of these pieces, at the latest. */
  endOfPart: (pieces: PieceRange) => number
  /** From 0 to 1, as `Math.random`. */
  random: () => number
}

/** For pieces that are smaller than those of a file, as a folder's are: as many more of them are worth as much. */
export function policyFor (pieceBytes: number): Partial<SchedulePolicy> {
  const factor = Math.max(1, Math.round(MIN_PIECE_BYTES / pieceBytes))
  const { minPiecesForTwoStreams, minPartPieces, partialPartPieces, unseenPartPieces, openingPieces, farOpeningPieces, minPiecesForOpening, plentyPieces } = DEFAULT_POLICY
  return {
    pieceBytes,
    minPiecesForTwoStreams: factor * minPiecesForTwoStreams,
    minPartPieces: factor * minPartPieces,
    partialPartPieces: factor * partialPartPieces,
    unseenPartPieces: factor * unseenPartPieces,
    openingPieces: factor * openingPieces,
    farOpeningPieces: factor * farOpeningPieces,
    minPiecesForOpening: factor * minPiecesForOpening,
    plentyPieces: factor * plentyPieces,
  }
}

export const DEFAULT_POLICY: SchedulePolicy = {
  pieceBytes: MIN_PIECE_BYTES,
  streams: 8,
  newcomerStreams: 1,
  minStreams: 2,
  minPiecesForTwoStreams: 8,
  farStreams: 8,
  farMs: 20,
  partsPerStream: 2,
  minPartPieces: 4,
  partialPartPieces: 4,
  readPartPieces: 4,
  unseenPartPieces: 2,
  rarestSample: 256,
  openingPieces: 2,
  farOpeningPieces: 8,
  minPiecesForOpening: 32,
  maxPartBytes: 32 * MiB,
  maxWaitingBytes: 512 * MiB,
  enoughOwners: 4,
  ownersKept: 64,
  lookEveryMs: 100,
  ownersCompared: 8,
  noOwnersMs: 500,
  ownersSoonMs: 500,
  ownersEveryMs: 5_000,
  ownersRarelyMs: 30_000,
  haveEveryMs: 500,
  haveRarelyMs: 1_000,
  plentyPieces: 64,
  sentFreshMs: 50,
  havesAtOnce: 16,
  helpMs: 2_000,
  leftToOthersMs: 1_000,
  triesPerOwner: TRIES_PER_PART,
  patientTries: 3,
  refusalsInARow: 4,
  crowdedMs: 400,
  minPauseMs: 500,
  maxPauseMs: 10_000,
  ownerWaitMs: DEADLINES.ownerWaitMs,
  giveUpMs: DEADLINES.giveUpMs,
  takeoverMs: 200,
  takeoverTrips: 2,
  quickBytesPerSecond: 16 * MiB,
  slackMs: 1_000,
  slackBytesPerSecond: 1 * MiB,
  slowAfterMs: 30_000,
  slowBytesPerSecond: 16 * 1_024,
  laggardAfterMs: 500,
  laggardFactor: 64,
  endOfPart: ({ endPiece }) => endPiece,
  random: Math.random,
}
