import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../protocol/errors.js'

/**
 * As `mkdir -p`. Node's own says ENOENT where there is no inode left.
 *
 * @returns whether it was not there
 */
export async function makeFolder (path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path))
      return await makeFolder(path)
    }
    // A file system that is read-only may say so even where the folder is there.
    if (await stat(path).then((there) => there.isDirectory(), () => false)) return false
    throw error
  }
}
