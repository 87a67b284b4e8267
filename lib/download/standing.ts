/** What lies where a version goes that is to take its place, and whether that version may. */
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import { lostOf, sameFiles } from '../tree/compare-trees.js'
import type { TreeIdentities } from '../tree/identities.js'
import type { Refused } from '../tree/refused.js'

export interface Standing {
  /** What was downloaded or shared there; of what nobody remembers, and of what was changed since, what it is now. */
  digest: string
  /** Bytes, of a folder those of its manifest. */
  size: number
  /** What was added, removed or changed since it was remembered. */
  changes?: Refused | undefined
  /** Whether it is remembered. */
  isKnown: boolean
  /** If it is a folder. */
  tree?: StandingTree
}

/** A folder as it was just looked at. */
export interface StandingTree {
  root: string
  manifest: ManifestData
  identities: TreeIdentities
}

/**
 * @param question the digest that was asked for, or its first digits
 * @throws E_EXISTS for what was changed since; E_CONFLICT, with both digests, where the one does not replace the other.
 */
export function assertMayReplace (standing: Standing, { filename, digest, size, kind, replaces = [] }: Found, question: string | undefined): void {
  if ((kind === 'folder') !== (standing.tree !== undefined)) throw new PiecemealError('E_EXISTS', `${quote(filename)} is a ${standing.tree ? 'folder' : 'file'} here, and a ${kind ?? 'file'} in the network`)
  if (digest === standing.digest || replaces.includes(standing.digest)) return
  const { changes } = standing
  if (changes && changes.count > 0) throw changes.error('E_EXISTS', `${quote(filename)} is not as it came, and is left untouched:`)
  // Who says which is meant needs no word of its owners.
  if (question !== undefined && (standing.isKnown || standing.tree)) return
  if (question !== undefined) throw new PiecemealError('E_EXISTS', `nothing tells where ${quote(filename)} here came from, and it has other bytes; it is left untouched`)
  throw new ConflictError(`what is here of ${quote(filename)}, ${standing.digest}, is no version before ${digest}; --digest says which is meant`, [{ digest: standing.digest, size: standing.size, owners: 0 }, { digest, size, owners: 1 }])
}

/**
 * What is wanted of a folder, against what lies there.
 *
 * @throws E_EXISTS if more than half would go, or something that only this tree has, where nothing tells where it came from.
 */
export function assertKeepsEnough ({ digest, isKnown, tree }: Standing, found: Found, wanted: { manifest: Manifest, files: number, bytes: number }, allowShrink: boolean): void {
  if (tree === undefined) return
  const { filename } = found
  const there = Manifest.fromData(tree.manifest)
  const { files, size } = there.head
  if (!allowShrink && (2 * wanted.files < files || 2 * wanted.bytes < size)) {
    throw new PiecemealError('E_EXISTS', `${quote(filename)} has ${files} files with ${size} bytes here, and would have ${wanted.files} with ${wanted.bytes}; --allow-shrink says that it is meant`)
  }
  // Known, or its owners know it: what goes has a place in the versions before.
  if (isKnown || found.digest === digest || found.replaces?.includes(digest)) return
  const lost = lostOf(there, wanted.manifest)
  if (lost.count > 0) throw lost.error('E_EXISTS', `${quote(filename)} here has what the wanted one has not, or has otherwise:`)
}

/** Files that lie there as they are wanted: two numbers each, as `sameFiles` has them. @param entries those that are wanted, all if left out */
export function sameIn (tree: StandingTree, manifest: Manifest, entries: Uint32Array | undefined): Uint32Array {
  const pairs = sameFiles(Manifest.fromData(tree.manifest), manifest)
  const wanted = entries && new Set(entries)
  return wanted ? pairs.filter((_, at) => wanted.has(pairs[at | 1] ?? 0)) : pairs
}
