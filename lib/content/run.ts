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

/** A file that pieces are in. */
export interface Place {
  path: string
  /** The piece whose bytes stand at the beginning of the file: the part's first in a part file, 0 in the target. */
  originPiece: number
}

/** Good pieces somewhere in a file. */
export interface PlacedRun extends PieceRange, Place {
  /** Whether they were in another file before, which may go. */
  isMoved?: boolean
}
