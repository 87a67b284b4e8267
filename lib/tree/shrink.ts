/** A tree that is suddenly empty: a disk that is not mounted must not become the newer version of what was on it. */
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** What there is of a folder, and on which device. */
export interface Extent {
  files: number
  size: number
  dev: string
}

const REMEDY = '--allow-shrink says that it is meant'

/**
 * @param now how it was found without an error
 * @throws E_CHANGED if it has less than half of the files, or of the bytes, of the version before.
 */
export function assertNotShrunk (path: string, before: Extent, now: Extent): void {
  if (2 * now.files >= before.files && 2 * now.size >= before.size) return
  const elsewhere = now.dev === before.dev ? '' : ', and is on another device now: is its disk mounted?'
  throw new PiecemealError('E_CHANGED', `${quote(path)} has ${now.files} files with ${now.size} bytes, where it had ${before.files} with ${before.size}${elsewhere}; ${REMEDY}`)
}

/** @param files that the version before had in these folders @throws E_CHANGED if there were any. */
export function assertNothingUnread (path: string, folders: readonly string[], files: number): void {
  if (files === 0) return
  throw new PiecemealError('E_CHANGED', `${quote(path)} had ${files} files in folders that can't be read now, ${folders.map(quote).join(', ')}; ${REMEDY}`)
}
