/** Where in a manifest the entries are that a path leads to. */
import type { Manifest } from './manifest.js'

/** By their numbers, `end` exclusive. */
export interface EntryRange {
  first: number
  end: number
}

/** What is at a path, with all that is below it; `''` is the folder itself. */
export function entriesAt (manifest: Manifest, path: string): EntryRange {
  if (path === '') return { first: 0, end: manifest.entryCount }
  // A slash counts as 0, and no name has a byte below a space: so all that is below a path stands before this.
  return { first: boundOf(manifest, path), end: boundOf(manifest, `${path}\u0001`) }
}

/** Something directly in a folder. */
export interface Child {
  name: string
  /** Left out for a folder that is not empty. */
  entry?: number
}

/** In time that grows with their number, whatever is below them. */
export function * childrenOf (manifest: Manifest, folder: string): Generator<Child, void> {
  const { first, end } = entriesAt(manifest, folder)
  const start = folder === '' ? 0 : folder.length + 1
  for (let at = first; at < end;) {
    const path = manifest.path(at)
    const slash = path.indexOf('/', start)
    if (slash >= 0) {
      yield { name: path.slice(start, slash) }
      at = entriesAt(manifest, path.slice(0, slash)).end
    } else {
      // An empty folder is its own and only entry.
      if (path !== folder) yield { name: path.slice(start), entry: at }
      at++
    }
  }
}

function boundOf (manifest: Manifest, path: string): number {
  const bytes = Buffer.from(path)
  return manifest.lowerBound({ bytes, start: 0, end: bytes.length })
}
