import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** @throws E_INTERRUPTED if a download was ended from outside. */
export function throwIfStopped (signal: AbortSignal, filename: string): void {
  if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(filename)} was stopped`)
}
