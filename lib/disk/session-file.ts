/**
 * What a node that is restarted is known by to its tracker, so that it has its name back at once. It
 * counts for one folder of one machine: a copy of the disk in another machine is another node.
 */
import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as check from '../protocol/check.js'
import { SESSION_BYTES } from '../protocol/limits.js'
import { SESSION_FILE } from './hidden.js'

const shape = { session: check.hex(SESSION_BYTES), folder: check.string, inode: check.string, machine: check.string }

/** @param folder without a link in it @returns the same as before, where that was written here; otherwise a new one. */
export async function sessionOf (folder: string, hiddenFolder: string): Promise<string> {
  const path = join(hiddenFolder, SESSION_FILE)
  const inode = String((await stat(folder, { bigint: true })).ino)
  const machine = await readFile('/etc/machine-id', 'utf8').then((id) => id.trim(), () => '')
  try {
    const known = check.checkShape(shape, JSON.parse(await readFile(path, 'utf8')))
    if (known.folder === folder && known.inode === inode && known.machine === machine) return known.session
  } catch {
    // None yet, or none that can be read: the tracker finds out by itself that the older connection is dead.
  }
  const session = randomBytes(SESSION_BYTES).toString('hex')
  await writeFile(path, JSON.stringify({ session, folder, inode, machine }), { mode: 0o600 })
  return session
}
