/** A tree as it was remembered, all of it in memory: what `--update` compares with, and what goes away afterwards. Runs in a worker thread. */
import { ManifestBuilder } from '../manifest/manifest-builder.js'
import type { ManifestData } from '../manifest/manifest.js'
import { newIdentities, withRoomFor, type TreeIdentities } from './identities.js'
import { openTreeFile, type TreeHead } from './tree-file.js'

export interface RememberedTree {
  head: TreeHead
  /** Of what was there: of a folder that came in part, that part. */
  manifest: ManifestData
  identities: TreeIdentities
  hasTimes: boolean
}

const FIRST_ENTRIES = 64

/** @returns undefined where nothing is remembered, or nothing that this version can read */
export function rememberedTree (path: string): RememberedTree | undefined {
  const file = openTreeFile(path)
  if (file === undefined) return undefined
  try {
    const builder = new ManifestBuilder()
    let identities = newIdentities(FIRST_ENTRIES)
    let index = 0
    let hasTimes = false
    for (const { entry, ino, size, mtimeNs, ctimeNs } of file.entries()) {
      builder.add(entry)
      identities = withRoomFor(identities, index)
      identities.ino[index] = ino
      identities.size[index] = size
      identities.mtimeNs[index] = mtimeNs
      identities.ctimeNs[index] = ctimeNs
      hasTimes ||= entry.kind !== 'link' && entry.mtimeMs !== undefined
      index++
    }
    return file.isWhole ? { head: file.head, manifest: builder.build().data, identities, hasTimes } : undefined
  } catch {
    // What no manifest can be was never written by us.
    return undefined
  } finally {
    file.close()
  }
}
