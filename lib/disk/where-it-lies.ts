/** Where a file lies that is shared without being copied: found out once, so that no link is followed afterwards. */
import { lstat, realpath, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { isHidden } from './hidden.js'

/** Types of file systems whose files are made up as they are read: proc and sysfs. */
export const MADE_UP = new Set([0x9fa0, 0x62656572])
const GONE = new Set(['ENOENT', 'ENOTDIR'])

/**
 * The absolute path of what a user names: of its parent no component is a link. Whether the last one is, is seen when it is opened.
 *
 * @param path absolute, or taken from the working directory
 * @throws E_IO if there is no such folder; E_FORBIDDEN for what may not be shared, wherever it leads.
 */
export async function whereItLies (path: string): Promise<string> {
  const asked = resolve(path)
  const parent = await atDisk(async () => await realpath(dirname(asked)))
    .catch((error: unknown) => { throw toDiskError(error, `cannot share ${quote(path)}`) })
  const place = join(parent, basename(asked))
  if (place.split(sep).some(isHidden)) throw forbidden(path, 'piecemeal keeps that folder for itself')
  const { type } = await atDisk(async () => await statfs(parent))
    .catch((error: unknown) => { throw toDiskError(error, `cannot share ${quote(path)}`) })
  if (MADE_UP.has(type)) throw forbidden(path, 'the system makes it up as it is read')
  return place
}

/** Whether nothing has that path any more: it was moved, deleted, or its disk is not mounted. A disk that fails says nothing. */
export async function isGone (path: string): Promise<boolean> {
  return await atDisk(async () => await lstat(path)).then(() => false, (error: unknown) => GONE.has(systemCode(error) ?? ''))
}

/** Whether a folder has that path, and no link to one. */
export async function isFolder (path: string): Promise<boolean> {
  return await atDisk(async () => await lstat(path)).then((stats) => stats.isDirectory(), () => false)
}

function forbidden (path: string, why: string): PiecemealError {
  return new PiecemealError('E_FORBIDDEN', `cannot share ${quote(path)}: ${why}`)
}
