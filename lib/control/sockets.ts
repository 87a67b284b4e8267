/**
 * Where nodes that run in the background are asked: a Unix socket each, in a folder of this user's
 * alone. Whatever the environment says, it is the same folder for whoever starts a node and for whoever asks.
 */
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { assertNodeName, quote } from '../protocol/names.js'

/** Of the unit of the system: root may ask it, too. */
const SYSTEM_SOCKET = '/run/piecemeal/control.sock'
const ENDING = '.sock'
const PERMISSIONS = 0o777
const MINE_ALONE = 0o700

/** The folder of a socket, made if it is not there; not what it is in, which is the system's, and gone when this user is. @throws E_IO; E_FORBIDDEN if it is ours by its place, and not this user's alone. */
export async function makeSocketFolder (path: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { mode: MINE_ALONE }).catch((cause: unknown) => {
    if (systemCode(cause) !== 'EEXIST') throw new PiecemealError('E_IO', `cannot make the folder ${quote(folder)} of control sockets: ${systemCode(cause) ?? String(cause)}`, { cause })
  })
  if (folder !== await socketFolder()) return
  const why = await whyNotMine(folder)
  if (why !== undefined) throw new PiecemealError('E_FORBIDDEN', `the folder ${quote(folder)} of control sockets ${why}: somebody else could answer there; remove it, or name another by --socket`)
}

export async function protectSocket (path: string): Promise<void> {
  await chmod(path, 0o600)
}

/** @param name of the node */
export async function socketOf (name: string): Promise<string> {
  assertNodeName(name)
  return join(await socketFolder(), `${name}${ENDING}`)
}

/** Paths that may be sockets of nodes of this user, with their names. Who answers is seen by asking. */
export async function socketsHere (): Promise<Array<{ name: string, path: string }>> {
  const folder = await socketFolder()
  const names = await whyNotMine(folder) === undefined ? await readdir(folder).catch(() => []) : []
  const own = names.filter((name) => name.endsWith(ENDING)).map((name) => ({ name: basename(name, ENDING), path: join(folder, name) }))
  const isRoot = process.getuid?.() === 0
  const isThere = isRoot && await lstat(SYSTEM_SOCKET).then((stats) => stats.isSocket(), () => false)
  return isThere ? [...own, { name: 'system', path: SYSTEM_SOCKET }] : own
}

async function socketFolder (): Promise<string> {
  const { uid } = userInfo()
  const runtime = `/run/user/${uid}`
  const isThere = await lstat(runtime).then((stats) => stats.isDirectory() && stats.uid === uid, () => false)
  return isThere ? join(runtime, 'piecemeal') : `/tmp/piecemeal-${uid}`
}

async function whyNotMine (folder: string): Promise<string | undefined> {
  try {
    const stats = await lstat(folder)
    if (!stats.isDirectory()) return 'is no folder'
    if (stats.uid !== userInfo().uid) return 'belongs to another user'
    return (stats.mode & PERMISSIONS & ~MINE_ALONE) === 0 ? undefined : 'is open to others'
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'is not there' : 'can\'t be looked at'
  }
}
