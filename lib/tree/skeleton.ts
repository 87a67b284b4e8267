/**
 * Everything of a tree but the bytes of its files: folders, links, and each name as an empty file with
 * its bits. It is made before the first byte is fetched, for what a file system can't hold is found out
 * so alone: some refuse a name, some shorten it, some take two names for one, and not all of them say so.
 *
 * Runs in a worker thread. The tree is new, in a folder that nobody else can enter.
 */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, rmSync, statfsSync, symlinkSync } from 'node:fs'
import { diskCode, toDiskError } from '../disk/disk-error.js'
import type { Entry } from '../manifest/entry.js'
import { Manifest } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import { OS_PATH_BYTES, SPARE_ROOM_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { NameCheck } from './name-check.js'
import { NameList } from './name-list.js'
import { NAMED, Refused } from './refused.js'
import { numbersOf, type EntriesTask } from './shares.js'
import { TreeControl } from './tree-control.js'

/** `entries`: what of it is wanted. */
export interface SkeletonTask extends EntriesTask {
  /** Absolute path of the tree, which is not there yet; its parent is. */
  root: string
  /** The absolute path that it is to have in the end. */
  target: string
  /** What can't be held is left out, and told, instead of being an error. */
  skipMissing?: boolean
  /**
   * Folders, with their last `/`, that are there already, and the tree with them: others make the rest of it
   * meanwhile, so it is not looked at afterwards.
   */
  made?: readonly string[]
  /** Whether what is there goes first. */
  isAgain?: boolean
  /** Of a `TreeControl`. */
  control: SharedArrayBuffer
}

/** What this file system can't hold, of those that were wanted: entries by their numbers, ascending. Nothing is there of them. */
export interface Skeleton {
  lacking: number[]
}

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** Codes of a name that a file system does not take, as opposed to a disk that fails. EEXIST: it takes another name for this one. */
const NOT_A_NAME = new Set(['ENAMETOOLONG', 'EINVAL', 'EILSEQ', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EPROTO'])
/** Where a file system has no symbolic links. */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'])
const EXECUTABLE = 0o111

/**
 * @throws E_NAME with the first ten paths that can't be held, or told apart; E_IO with those of links or modes that can't;
 *   E_DISK_FULL, E_IO, E_INTERRUPTED.
 */
export function makeSkeleton (task: SkeletonTask): Skeleton {
  const skeleton = new SkeletonMaker(task)
  if (task.made === undefined) skeleton.begin()
  skeleton.make()
  if (task.made === undefined) skeleton.look()
  return skeleton.result()
}

class SkeletonMaker {
  readonly #task: SkeletonTask
  readonly #manifest: Manifest
  readonly #control: TreeControl
  readonly #names = new Refused()
  readonly #others = new Refused()
  readonly #lacking = new Set<number>()
  readonly #made: ReadonlySet<string>
  /** The folder that the last entry was in, with its last `/`. */
  #folder = ''

  constructor (task: SkeletonTask) {
    this.#task = task
    this.#manifest = Manifest.fromData(task.manifest)
    this.#control = new TreeControl(task.control)
    this.#made = new Set(task.made)
  }

  begin (): void {
    const { root, target, isAgain = false } = this.#task
    try {
      if (isAgain) rmSync(root, { recursive: true, force: true })
      mkdirSync(root)
    } catch (error) {
      throw toDiskError(error, `cannot make a hidden folder for ${quote(target)}`)
    }
  }

  make (): void {
    const room = OS_PATH_BYTES - 1 - Math.max(Buffer.byteLength(this.#task.root), Buffer.byteLength(this.#task.target))
    for (const index of numbersOf(this.#task)) {
      this.#control.goOn()
      const { start, end } = this.#manifest.pathSlice(index)
      if (end - start > room) this.#refuse(index, this.#names, `with the folders before it, it is longer than ${OS_PATH_BYTES} bytes`)
      else this.#makeEntry(index, this.#manifest.entry(index))
      this.#control.reach(1)
    }
  }

  /** What was made has to have come out under its very name, and nothing else may be there. */
  look (): void {
    const { root, skipMissing = false } = this.#task
    const check = new NameCheck({
      manifest: this.#manifest,
      root,
      control: this.#control,
      onMissing: (index) => this.#refuse(index, this.#names, 'it came out under another name'),
      // It has come of a name that is told as refused.
      onUnexpected: (path, place) => {
        if (skipMissing) rmSync(place, { recursive: true, force: true })
        else this.#names.add(path, 'it is what came of another name')
      },
    })
    check.run(this.#task.entries)
  }

  result (): Skeleton {
    const { target, skipMissing = false } = this.#task
    if (!skipMissing) {
      if (this.#names.count > 0) throw this.#names.error('E_NAME', `this file system can't hold ${quote(target)}:`)
      if (this.#others.count > 0) throw this.#others.error('E_IO', `this file system can't hold ${quote(target)}:`)
    }
    return { lacking: [...this.#lacking].sort((a, b) => a - b) }
  }

  #makeEntry (index: number, entry: Entry): void {
    const { path } = entry
    try {
      if (!path.startsWith(this.#folder) || path.includes('/', this.#folder.length)) this.#makeFolders(path)
      if (entry.kind === 'folder') mkdirSync(this.#place(path))
      else if (entry.kind === 'link') this.#makeLink(index, path, entry.target)
      else this.#makeFile(index, path, entry.isExecutable)
    } catch (error) {
      if (error instanceof PiecemealError) throw error
      const code = diskCode(error) ?? ''
      if (NOT_A_NAME.has(code)) this.#refuse(index, this.#names, code === 'EEXIST' ? this.#twinOf(path) : code)
      else throw this.#diskError(error, path)
    }
  }

  /** Those above it that the entry before had not. What one of them can't be, nothing below it can. */
  #makeFolders (path: string): void {
    const end = path.lastIndexOf('/') + 1
    let at = commonFolder(this.#folder, path)
    this.#folder = path.slice(0, at)
    while (at < end) {
      at = path.indexOf('/', at) + 1
      if (!this.#made.has(path.slice(0, at))) mkdirSync(this.#place(path.slice(0, at - 1)))
      this.#folder = path.slice(0, at)
    }
  }

  #makeFile (index: number, path: string, isExecutable: boolean): void {
    const fd = openSync(this.#place(path), FLAGS, isExecutable ? 0o777 : 0o666)
    try {
      if (isExecutable && !canExecute(fd) && !makeExecutable(this.#place(path), fd)) this.#refuse(index, this.#others, 'an executable file')
    } finally {
      closeSync(fd)
    }
  }

  #makeLink (index: number, path: string, target: string): void {
    try {
      symlinkSync(target, this.#place(path))
    } catch (error) {
      if (!NO_LINKS.has(diskCode(error) ?? '')) throw error
      this.#refuse(index, this.#others, 'a link')
    }
  }

  /** What is there already under a name that this one is the same as. Looked for only as long as it is told. */
  #twinOf (path: string): string {
    if (this.#names.first.length === NAMED) return ''
    const folder = path.slice(0, this.#folder.length)
    const end = path.indexOf('/', folder.length)
    const twin = end < 0 ? path : path.slice(0, end)
    const { ino } = lstatSync(this.#place(twin), { bigint: true })
    const names = NameList.read(this.#place(folder))
    for (let i = 0; i < names.count; i++) {
      const other = folder + names.name(i).toString()
      // Inode numbers may be made up for each name.
      const isSame = folded(other) === folded(twin) || lstatSync(this.#place(other), { bigint: true, throwIfNoEntry: false })?.ino === ino
      if (isSame) return `it can't be told from ${quote(other)} here`
    }
    return 'it can\'t be told from another one here'
  }

  #refuse (index: number, list: Refused, why: string): void {
    if (this.#lacking.has(index)) return
    this.#lacking.add(index)
    list.add(this.#manifest.path(index), why)
  }

  #place (path: string): string {
    return path === '' ? this.#task.root : `${this.#task.root}/${path}`
  }

  /** A folder of some file systems is full long before the disk is. */
  #diskError (error: unknown, path: string): PiecemealError {
    if (diskCode(error) === 'ENOSPC' && this.#hasRoom()) return new PiecemealError('E_DISK_FULL', `cannot make ${quote(path)}: the disk has room, but the folder is full`, { cause: error })
    return toDiskError(error, `cannot make ${quote(path)}`)
  }

  #hasRoom (): boolean {
    const { bavail, bsize, files, ffree } = statfsSync(this.#task.root)
    return bavail * bsize > SPARE_ROOM_BYTES && (files === 0 || ffree > 0)
  }
}

/** How much of the folder, up to a `/`, the path is in as well. */
function commonFolder (folder: string, path: string): number {
  let end = folder.length
  while (!path.startsWith(folder.slice(0, end))) end = folder.lastIndexOf('/', end - 2) + 1
  return end
}

/** What is the same to most of those that take names for one another. */
function folded (path: string): string {
  return path.normalize('NFC').toLowerCase()
}

function canExecute (fd: number): boolean {
  return (fstatSync(fd).mode & EXECUTABLE) !== 0
}

/** For those who may read it: the umask may have forbidden it to all. @returns whether the file system can */
function makeExecutable (path: string, fd: number): boolean {
  try {
    const { mode } = fstatSync(fd)
    chmodSync(path, mode | ((mode & 0o444) >> 2))
  } catch {
    // Seen by what comes of it.
  }
  return canExecute(fd)
}
