/**
 * A complete file gets its name: at once, whole, and never in the place of another.
 *
 * Not every file system has hard links, and Node has no rename that fails where there is something,
 * so there are three ways. All of them wait for the disk: they run in a thread that may.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, fstatSync, linkSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync, type BigIntStats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { claimNote } from './hidden.js'
import { toDiskError } from './disk-error.js'
import * as check from '../protocol/check.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** How a file gets its name in a folder; plain data, for it goes to threads. */
export interface Naming {
  /**
   * `link`: a hard link. `move`: the `mv -nT` of coreutils, which knows the rename that replaces
   * nothing. `claim`: an empty file is made under the name, if there is none, and replaced.
   */
  way: 'link' | 'move' | 'claim'
  /** `DIR/NAME/.piecemeal`, where a claim is noted. */
  hiddenFolder: string
}

export interface NameTask {
  /** The synced file. */
  from: string
  to: string
  filename: string
  naming: Naming
  /** Whether whoever may read it may execute it. */
  isExecutable?: boolean | undefined
}

/** Codes of `link` where a file system has no hard links, or allows none to this file. */
const LACKS_LINKS = new Set(['EPERM', 'EACCES', 'EINVAL', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])
/** Of a rename onto a folder in which there is something by now. */
const FILLED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR'])
/** The most that the times of a claim and its note differ: the claim is made right after the note. FAT counts in steps of 2 s. */
const CLAIM_AGE_MS = 4_000

/** Finds out with two files of its own which way there is. A disk that is full or fails tells nothing: then it is the link. */
export function findNaming (hiddenFolder: string): Naming {
  const [one, two] = [join(hiddenFolder, 'naming-1'), join(hiddenFolder, 'naming-2')]
  const remove = (): void => { for (const path of [one, two]) rmSync(path, { force: true }) }
  try {
    remove()
    writeFileSync(one, '')
    return { way: hasLinks(one, two) ? 'link' : canMove(one, two) ? 'move' : 'claim', hiddenFolder }
  } catch {
    return { way: 'link', hiddenFolder }
  } finally {
    try {
      remove()
    } catch {
      // Two empty files of ours stay; the next start removes them.
    }
  }
}

function hasLinks (one: string, two: string): boolean {
  try {
    linkSync(one, two)
    return true
  } catch (error) {
    if (LACKS_LINKS.has(systemCode(error) ?? '')) return false
    throw error
  }
}

/** An older or a smaller `mv` may replace what is there, or know none of these flags. */
function canMove (one: string, two: string): boolean {
  writeFileSync(two, 'there')
  if (move(one, two) || readFileSync(two, 'utf8') !== 'there') return false
  rmSync(two)
  return move(one, two)
}

/** @throws E_EXISTS, E_DISK_FULL, E_IO, and `from` is still there then. After a link it is there as well. */
export function giveName (task: NameTask): void {
  const { from, to, filename, naming, isExecutable = false } = task
  if (isExecutable) makeExecutable(from)
  switch (naming.way) {
    case 'link':
      try {
        return linkSync(from, to)
      } catch (error) {
        if (!LACKS_LINKS.has(systemCode(error) ?? '')) throw nameError(error, filename)
      }
      break
    case 'move':
      try {
        if (move(from, to)) return
      } catch (error) {
        throw nameError(error, filename)
      }
      break
    case 'claim':
  }
  claim(task)
}

/**
 * A folder gets its name. There are no links to folders, and a plain rename puts a folder in the place of
 * an empty one: so it is moved, or the name is made, which fails where anything is, and is put in place
 * of the empty folder that has it then.
 *
 * @throws E_EXISTS, E_DISK_FULL, E_IO, and `from` is still there then.
 */
export function nameFolder ({ from, to, filename, naming }: Pick<NameTask, 'from' | 'to' | 'filename' | 'naming'>): void {
  const note = claimNote(naming.hiddenFolder, from)
  try {
    if (lookFor(to) !== undefined) throw exists(filename)
    if (move(from, to)) return
    writeFileSync(note, JSON.stringify({ filename: basename(to), kind: 'folder' }))
    mkdirSync(to)
    try {
      renameSync(from, to)
    } catch (error) {
      undoClaim(note, dirname(to))
      throw FILLED.has(systemCode(error) ?? '') ? exists(filename) : error
    }
  } catch (error) {
    throw nameError(error, filename)
  } finally {
    rmSync(note, { force: true })
  }
}

/** As the umask allowed: for those who may read it. To ask for the umask would set it for all threads. */
function makeExecutable (path: string): void {
  try {
    const { mode } = lstatSync(path)
    chmodSync(path, mode | ((mode & 0o444) >> 2))
  } catch {
    // Not every file system has such a bit; the file is worth having without it.
  }
}

/** After `giveName`, where nobody would go on with the old name. */
export function dropOldName (from: string): void {
  try {
    unlinkSync(from)
  } catch {
    // There is none after a rename; any other goes at the next start.
  }
}

/** @returns whether it is done, which the exit status of `mv` does not tell */
function move (from: string, to: string): boolean {
  const file = lstatSync(from, { bigint: true })
  spawnSync('mv', ['-nT', '--', from, to], { stdio: 'ignore' })
  return lookFor(from) === undefined && isSame(lookFor(to), file)
}

/** Noted before: a process that is killed in between leaves an empty file, and a note that it is ours. */
function claim ({ from, to, filename, naming }: NameTask): void {
  const note = claimNote(naming.hiddenFolder, from)
  try {
    writeFileSync(note, JSON.stringify({ filename: basename(to) }))
    const file = openSync(to, 'wx')
    const claimed = fstatSync(file, { bigint: true })
    closeSync(file)
    try {
      const there = lookFor(to)
      if (!isSame(there, claimed) || there?.size !== 0n) throw exists(filename)
      renameSync(from, to)
    } catch (error) {
      undoClaim(note, dirname(to))
      throw error
    }
  } catch (error) {
    throw nameError(error, filename)
  } finally {
    rmSync(note, { force: true })
  }
}

/** Removes the empty file, or the empty folder, that was made for this note, if it is still there, and the note. */
export function undoClaim (note: string, folder: string): void {
  try {
    const { filename, kind } = check.checkShape({ filename: check.fileName, kind: check.optional(check.literal('folder')) }, JSON.parse(readFileSync(note, 'utf8')))
    const there = lookFor(join(folder, filename))
    const isYoung = there !== undefined && Math.abs(Number(there.mtimeMs - lstatSync(note, { bigint: true }).mtimeMs)) < CLAIM_AGE_MS
    if (isYoung && kind === 'folder' && there.isDirectory()) rmdirSync(join(folder, filename))
    if (isYoung && kind === undefined && there.isFile() && there.size === 0n) unlinkSync(join(folder, filename))
  } catch {
    // No note, or none that was written to its end: then nothing was claimed yet. Or a folder that is not empty.
  }
  rmSync(note, { force: true })
}

function lookFor (path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

function isSame (a: BigIntStats | undefined, b: BigIntStats): boolean {
  return a?.dev === b.dev && a.ino === b.ino
}

function nameError (error: unknown, filename: string): PiecemealError {
  return systemCode(error) === 'EEXIST' ? exists(filename) : toDiskError(error, `cannot publish ${quote(filename)}`)
}

export function exists (filename: string): PiecemealError {
  return new PiecemealError('E_EXISTS', `${quote(filename)} is already there; it is left untouched`)
}
