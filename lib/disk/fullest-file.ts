/** Which of the files of an earlier run is gone on with, where parts are written at their places in one. */
import { PieceSet } from '../content/piece-set.js'
import type { PlacedRun } from '../content/run.js'

/**
 * Of those that begin with the first piece the one that has most. Only one in which pieces of zeros
 * are just that will do, for nobody writes them any more: what is in another is copied.
 */
export function fullestFromStart (runs: readonly PlacedRun[], zeros: PieceSet): string | undefined {
  const files = new Map<string, PieceSet>()
  for (const { path, originPiece, firstPiece, endPiece } of runs) {
    if (originPiece !== 0) continue
    const pieces = files.get(path) ?? new PieceSet(zeros.pieceCount)
    pieces.addRange(firstPiece, endPiece)
    files.set(path, pieces)
  }
  const fit = [...files].filter(([, pieces]) => pieces.countCommon(zeros) === zeros.size)
  return fit.sort(([, a], [, b]) => b.size - a.size)[0]?.[0]
}
