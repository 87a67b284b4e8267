/**
 * The new version of a tree takes the place of the old one. Both are siblings then, for a folder that
 * nobody may write to can't get another parent. Either path is noted before, with the inode that each
 * tree has: whatever a crash leaves half done, the next start knows which is which.
 */
import { constants } from 'node:fs'
import { access, lstat, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as check from '../protocol/check.js'
import { toDiskError } from '../disk/disk-error.js'
import { swap } from '../disk/native-calls.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

export interface Exchange {
  /** The new tree: a hidden sibling of `target`. Afterwards the old one is there. */
  hidden: string
  target: string
  /** Path of the note, in the node's own hidden folder. */
  note: string
}

const noted = { hidden: check.string, target: check.string, newIno: check.string, oldIno: check.string }

/** Where a file system, or a part of it, has no exchange. */
const NO_SWAP = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])
/** What can't be renamed as it lies: a mount, a folder of a lower layer of overlayfs, another user's. */
const CANT_MOVE = new Set(['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS'])

/**
 * Found out before anything is fetched, without touching the tree.
 *
 * @throws E_EXISTS, saying why, if `target` can't be exchanged as a whole.
 */
export async function assertExchangeable (target: string): Promise<void> {
  const mounts = await mountPoints()
  const mount = mounts.find((path) => path === target || path.startsWith(`${target}/`))
  if (mount !== undefined) throw cannot(target, `something is mounted at ${quote(mount)}`)
  try {
    await access(dirname(target), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw cannot(target, `the folder around it may not be written to: ${systemCode(error) ?? String(error)}`)
  }
}

/** @throws E_EXISTS if it can't be done, and nothing has happened then; E_IO. */
export async function exchange ({ hidden, target, note }: Exchange): Promise<void> {
  await assertExchangeable(target)
  const [{ ino: newIno }, { ino: oldIno }] = await Promise.all([lstat(hidden, { bigint: true }), lstat(target, { bigint: true })])
  try {
    await writeFile(note, JSON.stringify({ hidden, target, newIno: String(newIno), oldIno: String(oldIno) }), { flush: true })
    if (!swapped(hidden, target)) await renameTwice(hidden, target)
  } catch (error) {
    // The new one may have its name by then: what is hidden is the user's, and no failure may lead to its removal.
    if (await settleExchange(note)) return
    if (CANT_MOVE.has(systemCode(error) ?? '')) throw cannot(target, systemCode(error) ?? '')
    throw toDiskError(error, `cannot exchange ${quote(target)}`)
  }
  // One that stays says at the next start what is so anyway.
  await rm(note, { force: true }).catch(() => {})
}

/** What a crash left half done is put back, or done. @returns whether the new tree has its name */
export async function settleExchange (note: string): Promise<boolean> {
  let known: check.Checked<typeof noted>
  try {
    known = check.checkShape(noted, JSON.parse(await readFile(note, 'utf8')))
  } catch {
    await rm(note, { force: true })
    return false
  }
  const { hidden, target, newIno, oldIno } = known
  const aside = asideOf(hidden)
  // Of two renames only the first was made: the old one goes back to where it was.
  if (await inoOf(target) === undefined && await inoOf(aside) === oldIno) await rename(aside, target)
  const isDone = await inoOf(target) === newIno
  if (isDone && await inoOf(aside) === oldIno && await inoOf(hidden) === undefined) await rename(aside, hidden)
  await rm(note, { force: true })
  return isDone
}

/** @returns false where there is no such call */
function swapped (hidden: string, target: string): boolean {
  try {
    return swap(hidden, target)
  } catch (error) {
    if (NO_SWAP.has(systemCode(error) ?? '')) return false
    throw error
  }
}

async function renameTwice (hidden: string, target: string): Promise<void> {
  const aside = asideOf(hidden)
  await rename(target, aside)
  await rename(hidden, target)
  await rename(aside, hidden)
}

/** Beside the hidden one, and as much ours. */
function asideOf (hidden: string): string {
  return `${hidden}.old`
}

async function inoOf (path: string): Promise<string | undefined> {
  return await lstat(path, { bigint: true }).then(({ ino }) => String(ino), () => undefined)
}

/** As the kernel lists them; none where it does not. */
export async function mountPoints (): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  // Spaces and the like are octal there.
  return text.split('\n').map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
}

function cannot (target: string, why: string): PiecemealError {
  return new PiecemealError('E_EXISTS', `${quote(target)} can't be exchanged for another version: ${why}; it is left untouched`)
}
