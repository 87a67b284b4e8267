/** The tree of a folder's download that is under way, while it is hidden: gone on with only if it was made whole, and for the same files. */
import { readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

/**
 * @param mayLack whether one will do that some of the files are not in
 * @returns what is noted of the tree that is there; undefined if there is none that will do, and then nothing is there of any
 * @throws E_IO.
 */
export async function takeOverTree ({ tree, note }: TreePlaces, wanted: string, mayLack: boolean): Promise<TreeNote | undefined> {
  const known = await readNote(note)
  if (known?.wanted === wanted && (mayLack || known.lacking.length === 0)) return known
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

/** These files are not to be in it, nor a folder that has nothing else. @throws E_IO. */
export async function removeFromTree ({ tree }: TreePlaces, paths: readonly string[]): Promise<void> {
  try {
    for (const path of paths) {
      await atDisk(async () => await rm(join(tree, path), { force: true }))
      for (let folder = dirname(path); folder !== '.' && await isRemoved(join(tree, folder)); folder = dirname(folder));
    }
  } catch (error) {
    throw toDiskError(error, 'cannot remove what is not whole')
  }
}

/** @returns whether it was empty, and is gone */
async function isRemoved (folder: string): Promise<boolean> {
  return await atDisk(async () => await rmdir(folder)).then(() => true, () => false)
}

async function readNote (note: string): Promise<TreeNote | undefined> {
  try {
    return check.checkShape(shape, JSON.parse(await atDisk(async () => await readFile(note, 'utf8'))))
  } catch {
    // None, or one that was not written to its end.
    return undefined
  }
}
