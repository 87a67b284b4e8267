/** Where a download goes that its user gave a path. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { quote as shellQuote } from 'shlex'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { assertFileName, quote } from '../protocol/names.js'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { isHidden } from './hidden.js'

/**
 * The absolute path that a file is to have; of its parent no component is a link.
 *
 * @param to a folder that is there, or a path that ends in `/`: into it; otherwise the new name itself. From the working directory if it is relative
 * @throws E_USAGE, E_NAME; E_FORBIDDEN within a hidden folder; E_IO, which names the folder that is not there.
 */
export async function whereItGoes (to: string, filename: string): Promise<string> {
  if (to === '' || to.includes('\0')) throw new PiecemealError('E_USAGE', `${quote(to)} is no path`)
  // Not normalised: of a link `..` is the parent of where it leads.
  const [parent, name] = to.endsWith('/') || await isFolder(to) ? [to, filename] : [dirname(to), basename(to)]
  assertFileName(name)
  const what = `cannot download to ${quote(to)}: the folder ${quote(parent)} can't be used`
  const [real, isOne] = await atDisk(async () => [await realpath(parent), (await stat(parent)).isDirectory()] as const)
    .catch((error: unknown) => { throw toFolderError(error, parent, what) })
  if (!isOne) throw new PiecemealError('E_IO', `${what}: it is no folder`)
  if (real.split(sep).some(isHidden)) throw new PiecemealError('E_FORBIDDEN', `cannot download to ${quote(to)}: piecemeal keeps that folder for itself`)
  return join(real, name)
}

/** One that is not there is made by its user, who may have mistyped it. */
export function toFolderError (error: unknown, path: string, what: string): PiecemealError {
  if (systemCode(error) !== 'ENOENT') return toDiskError(error, what)
  return new PiecemealError('E_IO', `${what}: it is no folder; mkdir -p ${shellQuote(path)}`, { cause: error })
}

async function isFolder (path: string): Promise<boolean> {
  try {
    return (await atDisk(async () => await stat(path))).isDirectory()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false
    throw toDiskError(error, `cannot download to ${quote(path)}`)
  }
}
