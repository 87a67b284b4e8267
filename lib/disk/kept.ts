/** What an interrupted download of a file has left to go on from, whichever content it was: removed when its user wants it no more. */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { systemCode } from '../protocol/errors.js'
import { DIGEST_FOLDER, workspaceFolder } from './hidden.js'
import { toDiskError } from './disk-error.js'

/** @returns whether there was anything. @throws E_IO, E_LIMIT. */
export async function removeKept (hiddenFolder: string, filename: string): Promise<boolean> {
  let wasThere = false
  try {
    for (const entry of await readdir(hiddenFolder)) {
      if (!DIGEST_FOLDER.test(entry)) continue
      const folder = workspaceFolder(hiddenFolder, { digest: `${DIGEST_PREFIX}${entry}`, filename })
      if (!await isRemoved(folder)) continue
      wasThere = true
      // Does nothing where the same content is kept for another name.
      await rmdir(dirname(folder)).catch(() => {})
    }
  } catch (error) {
    throw toDiskError(error, 'cannot remove what is kept of a download')
  }
  return wasThere
}

async function isRemoved (folder: string): Promise<boolean> {
  try {
    await rm(folder, { recursive: true })
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
