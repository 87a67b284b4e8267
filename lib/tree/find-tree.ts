/** The two ends of digesting a folder: what is there and known already, and what it is then, both in a worker thread. */
import type { PieceList } from '../content/digest.js'
import type { Head } from '../manifest/entry.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { contentOfManifest } from '../manifest/write-manifest.js'
import type { Content } from '../protocol/content.js'
import type { TreeIdentities } from './identities.js'
import { recall, type Recalled } from './recall.js'
import { writeTreeFile } from './tree-file.js'
import { walkTree, type Walked, type WalkTask } from './walk.js'

export interface FindTask extends WalkTask {
  /** Where the folder is remembered, if anywhere. */
  treeFile: string | undefined
}

export interface FoundTree extends Walked, Recalled {}

export interface KeepTask {
  root: string
  dev: bigint
  manifest: ManifestData
  /** What of it is there, by the entries' numbers, ascending; all of it if left out. */
  entries?: Uint32Array | undefined
  identities: TreeIdentities
  /** What of the folder is wanted. */
  patterns?: string[] | undefined
  /** The file system says of all files that they are executable. */
  allExecutable?: boolean | undefined
  /** When the files were looked at, by the wall clock: those that were younger than 2 s are not taken for unchanged next time. */
  lookedAtMs: number
  /** Where it is remembered, if anywhere. */
  treeFile: string | undefined
}

/** What the folder's manifest is as a content, whose digest is that of the folder. */
export type ManifestContent = Content & { pieces: PieceList }

/** @throws as `walkTree`. */
export function findTree ({ treeFile, ...task }: FindTask): FoundTree {
  const walked = walkTree(task)
  return { ...walked, ...recall(walked, treeFile) }
}

/** @throws E_LIMIT where the manifest is too large. */
export function keepTree ({ root, dev, manifest: data, entries, identities, patterns, allExecutable, lookedAtMs, treeFile }: KeepTask): ManifestContent {
  const manifest = Manifest.fromData(data)
  const content = contentOfManifest(manifest)
  if (treeFile !== undefined) {
    try {
      const { files, size } = entries ? headOf(manifest, entries) : manifest.head
      writeTreeFile(treeFile, { root, digest: content.digest, dev: String(dev), files, size, patterns, ...(allExecutable === true && { allExecutable }) }, { manifest, entries, identities }, lookedAtMs)
    } catch {
      // Being slower next time is no reason to fail now.
    }
  }
  return content
}

function headOf (manifest: Manifest, entries: Uint32Array): Head {
  const head = { files: 0, size: 0 }
  for (const index of entries) {
    if (manifest.isFile(index)) head.files++
    head.size += manifest.sizes[index] ?? 0
  }
  return head
}
