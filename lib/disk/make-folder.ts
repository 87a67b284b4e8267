import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../protocol/errors.js'

/**
 * As `mkdir -p`. Node's own says ENOENT where there is no inode left, and never ends where nothing can be made, as in `/proc`.
 *
 * @param mode of what is made
 * @returns whether it was not there
 */
export async function makeFolder (path: string, mode?: number): Promise<boolean> {
  try {
    return await makeOne(path, mode)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error
  }
  await makeFolder(dirname(path), mode)
  return await makeOne(path, mode)
}

async function makeOne (path: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    // A file system that is read-only may say so even where the folder is there.
    if (await stat(path).then((there) => there.isDirectory(), () => false)) return false
    throw error
  }
}
