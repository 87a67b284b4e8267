/** Good pieces of a content somewhere in a file. */
export interface PlacedRun {
  firstPiece: number
  /** Exclusive. */
  endPiece: number
  path: string
  /** The piece that the file begins with, or would: a part file with its first, the target with 0. */
  originPiece: number
}
