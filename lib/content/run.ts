/** Consecutive pieces: which, in which file they are, and where in it. */

export interface PieceRange {
  firstPiece: number
  /** Exclusive. */
  endPiece: number
}

/** Good pieces at the beginning of a part file. */
export interface Run extends PieceRange {
  path: string
}

/** Good pieces somewhere in a file. */
export interface PlacedRun extends Run {
  /** The piece that the file begins with, or would: a part file with its first, the target with 0. */
  originPiece: number
}
