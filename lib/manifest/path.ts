/** Paths within a folder: what they may be, and in which order they stand. */
import { PiecemealError } from '../protocol/errors.js'
import { PATH_BYTES, PATH_DEPTH } from '../protocol/limits.js'
import { quote, whyNotFileName } from '../protocol/names.js'

const SLASH = 0x2f

/**
 * @param knownFolder as it begins, with its last `/`, where another path in the very same folder was good: not looked at again
 * @throws E_NAME unless these are components that may be names of files, joined by `/`, and no more than every Linux can open.
 */
export function assertPath (path: string, knownFolder = ''): void {
  const why = whyNotPath(path, knownFolder)
  if (why !== undefined) throw new PiecemealError('E_NAME', `${quote(path)} is no path in a folder: ${why}`)
}

function whyNotPath (path: string, knownFolder: string): string | undefined {
  // Characters are no more than bytes: a path of any length is not taken apart.
  if (path.length > PATH_BYTES || Buffer.byteLength(path) > PATH_BYTES) return `it is longer than ${PATH_BYTES} bytes`
  const names = path.slice(knownFolder.length).split('/')
  if (names.length > PATH_DEPTH) return `it is more than ${PATH_DEPTH} deep`
  for (const name of names) {
    const why = whyNotFileName(name)
    if (why !== undefined) return `in ${quote(name)} ${why}`
  }
  return undefined
}

/** Bytes of a path, in a buffer with other things. */
export interface Slice {
  bytes: Uint8Array
  start: number
  end: number
}

/**
 * The order of a manifest: by bytes, `/` before all others. What is below a folder so follows it at
 * once, and before whatever else begins with its name.
 *
 * @returns less than 0, 0, or more than 0, as for a sort.
 */
export function comparePaths (a: Slice, b: Slice): number {
  const shorter = Math.min(a.end - a.start, b.end - b.start)
  for (let i = 0; i < shorter; i++) {
    const one = a.bytes[a.start + i] ?? 0
    const other = b.bytes[b.start + i] ?? 0
    if (one !== other) return (one === SLASH ? 0 : one) - (other === SLASH ? 0 : other)
  }
  return (a.end - a.start) - (b.end - b.start)
}

/** Whether `path` is below `folder`. */
export function isBelow (path: Slice, folder: Slice): boolean {
  const length = folder.end - folder.start
  if (path.bytes[path.start + length] !== SLASH || path.end - path.start <= length) return false
  for (let i = 0; i < length; i++) if (path.bytes[path.start + i] !== folder.bytes[folder.start + i]) return false
  return true
}
