/** The tree of a folder's download that is under way, while it is hidden: gone on with only if it was made whole, and for the same files. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import * as check from '../protocol/check.js'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'

/** `wanted` says which files of the folder; `lacking`: those of them that the file system can't hold. */
const shape = { wanted: check.string, lacking: check.array(check.bytes, Infinity) }

export interface TreeNote {
  wanted: string
  lacking: number[]
}

export interface TreePlaces {
  tree: string
  note: string
}

/** @returns what is noted of the tree that is there; undefined if there is none for these files, and then nothing is there of any. @throws E_IO. */
export async function takeOverTree ({ tree, note }: TreePlaces, wanted: string): Promise<TreeNote | undefined> {
  const known = await readNote(note)
  if (known?.wanted === wanted) return known
  try {
    // In this order: a note is only there beside a whole tree.
    await atDisk(async () => await rm(note, { force: true }))
    await atDisk(async () => await rm(tree, { recursive: true, force: true }))
  } catch (error) {
    throw toDiskError(error, 'cannot remove what an earlier run left')
  }
  return undefined
}

/** The tree is there, with an empty file for each of these. @throws E_DISK_FULL, E_IO. */
export async function noteTree ({ note }: TreePlaces, about: TreeNote): Promise<void> {
  try {
    await atDisk(async () => await writeFile(note, JSON.stringify(about)))
  } catch (error) {
    throw toDiskError(error, 'cannot write into the hidden folder')
  }
}

async function readNote (note: string): Promise<TreeNote | undefined> {
  try {
    return check.checkShape(shape, JSON.parse(await atDisk(async () => await readFile(note, 'utf8'))))
  } catch {
    // None, or one that was not written to its end.
    return undefined
  }
}
