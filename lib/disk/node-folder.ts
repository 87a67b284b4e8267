/**
 * A node's folder, as it is opened at the node's start: who else is at work in it, what its file
 * system can do, and where the node keeps what it wants to remember. A folder that may be read but
 * not written to can be shared from; what is to be kept then goes to the user's cache folder.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { findAbilities, type Abilities } from './abilities.js'
import { DigestCache } from './digest-cache.js'
import { Elsewhere } from './elsewhere.js'
import { FolderLock } from './folder-lock.js'
import { treeFile } from './hidden.js'
import { removeKept } from './kept.js'
import { removeOrphans } from './orphans.js'
import { whereItGoes } from './where-it-goes.js'
import { diskCode, toDiskError } from './disk-error.js'
import { PiecemealError } from '../protocol/errors.js'
import { DIGEST_KEPT_MS, ORPHAN_MS } from '../protocol/limits.js'
import { HIDDEN_FOLDER, quote } from '../protocol/names.js'

/** Where a download goes: the absolute path of its file, and the folder where it is put together. */
export interface Destination extends Abilities {
  target: string
  hiddenFolder: string
  /** To be awaited once it is known which content it is, before anything is written. @throws E_IN_PROGRESS if another process is at it. */
  begin?: (digest: string) => Promise<void>
}

/** The folder that a node works in: its own, or one where it is a guest. */
export type WorkingFolder = Pick<NodeFolder, 'realPath' | 'digests' | 'warnings' | 'treeFile' | 'notesFolder' | 'tidy' | 'targetOf' | 'destination' | 'alone' | 'leave' | 'removeKept' | 'close'>

const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM'])
const FULL = new Set(['ENOSPC', 'EDQUOT'])

export class NodeFolder {
  /** `DIR/NAME` */
  readonly path: string
  /** The same without a link in it. */
  readonly realPath: string
  /** `DIR/NAME/.piecemeal` */
  readonly hiddenFolder: string
  readonly digests: DigestCache
  readonly abilities: Abilities
  /** What the node's user should know, a sentence each. */
  readonly warnings: readonly string[]
  readonly #keptIn: string | undefined
  readonly #isReadOnly: boolean
  readonly #lock: FolderLock | undefined
  /** None where nothing can be noted. */
  readonly #elsewhere: Elsewhere | undefined

  /**
   * Makes the folder and its hidden one if they are not there, and locks them.
   *
   * @param digestsIn where digests are remembered, if not in the hidden folder
   * @throws E_NAME_TAKEN if another process has the lock; E_IO if the folder can't be made or read.
   */
  static async open (path: string, digestsIn?: string): Promise<NodeFolder> {
    const hiddenFolder = join(path, HIDDEN_FOLDER)
    try {
      return new NodeFolder(path, { keptIn: hiddenFolder, digestsIn, lock: await FolderLock.take(hiddenFolder, path) })
    } catch (error) {
      const code = diskCode(error) ?? ''
      const isReadOnly = READ_ONLY.has(code)
      if (!isReadOnly && !FULL.has(code)) throw cannotUse(error, path)
      // Without a folder that can be read there is nothing to share.
      await readdir(path).catch(() => { throw cannotUse(error, path) })
      return await NodeFolder.#openElsewhere(path, isReadOnly)
    }
  }

  static async #openElsewhere (path: string, isReadOnly: boolean): Promise<NodeFolder> {
    const keptIn = await cacheFolder(path)
    try {
      return new NodeFolder(path, { keptIn, lock: await FolderLock.take(keptIn, path), isReadOnly })
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_NAME_TAKEN') throw error
      const why = error instanceof Error ? error.message : String(error)
      return new NodeFolder(path, { isReadOnly, warning: `neither ${quote(path)} nor the cache folder can be written to (${why}): no lock is taken, and digests are not remembered` })
    }
  }

  private constructor (path: string, { keptIn, digestsIn = keptIn, lock, isReadOnly = false, warning }: { keptIn?: string, digestsIn?: string | undefined, lock?: FolderLock, isReadOnly?: boolean, warning?: string }) {
    this.path = path
    this.realPath = realpathSync(path)
    this.hiddenFolder = join(path, HIDDEN_FOLDER)
    this.digests = new DigestCache(digestsIn)
    this.#keptIn = keptIn
    this.#isReadOnly = isReadOnly
    this.#lock = lock
    this.#elsewhere = keptIn === undefined ? undefined : new Elsewhere(keptIn)
    this.warnings = [warning, lock?.warning].filter((text) => text !== undefined)
    // Waits for the disk, but nothing else runs in the node yet.
    this.abilities = findAbilities(this.hiddenFolder)
  }

  /** Where a folder is remembered that was digested, or that came; undefined where nothing can be. */
  treeFile (root: string): string | undefined {
    return this.#keptIn === undefined ? undefined : treeFile(this.#keptIn, root)
  }

  /** Where it is noted what is to be done yet; undefined where nothing can be. */
  get notesFolder (): string | undefined {
    return this.#keptIn
  }

  /** Nothing of a run that was killed stays behind for good. @param now by the wall clock, as file times are */
  async tidy (now: Date): Promise<void> {
    if (!this.#isReadOnly) await removeOrphans({ folder: this.path, hiddenFolder: this.hiddenFolder, maxAgeMs: ORPHAN_MS, now })
    await this.#elsewhere?.sweep(ORPHAN_MS, now)
    await this.digests.prune(now.getTime() - DIGEST_KEPT_MS)
  }

  /**
   * The absolute path that a download is to have.
   *
   * @param to where its user wants it, if not under its name in this folder: as `whereItGoes`
   * @throws E_IO, E_USAGE, E_NAME, E_FORBIDDEN.
   */
  async targetOf (filename: string, to?: string): Promise<string> {
    const path = to === undefined ? join(this.realPath, filename) : await whereItGoes(to, filename)
    if (this.#holds(path)) this.#assertWritable()
    return path
  }

  /**
   * Where a download with that target is put together.
   *
   * @param find finds out what another folder can do, in a thread that may wait for its disk
   * @throws E_DISK_FULL, E_IO.
   */
  async destination (filename: string, target: string, find: (hiddenFolder: string) => Promise<Abilities>): Promise<Destination> {
    if (this.#holds(target)) return { target, hiddenFolder: this.hiddenFolder, ...this.abilities }
    if (this.#elsewhere === undefined) throw new PiecemealError('E_IO', `cannot download ${quote(filename)} to ${quote(target)}: there is nowhere to note what is begun there`)
    const hiddenFolder = await this.#elsewhere.hiddenFolder({ filename, path: target })
    return { target, hiddenFolder, ...await find(hiddenFolder) }
  }

  /** A download to a path in the hidden folder, put together in a folder that is there as well. */
  within (target: string, hiddenFolder: string): Destination {
    return { target, hiddenFolder, ...this.abilities, naming: { ...this.abilities.naming, hiddenFolder } }
  }

  /** Does `work`, for there is no other process here. */
  async alone<T> (_digest: string, work: () => Promise<T>): Promise<T | undefined> {
    return await work()
  }

  /** A download with that target has ended. */
  async leave (filename: string, target: string): Promise<void> {
    if (!this.#holds(target)) await this.#elsewhere?.leave({ filename, path: target })
  }

  /** @param target wherever it went if left out @returns whether anything was kept of a download. @throws E_IO, E_LIMIT. */
  async removeKept (filename: string, target?: string): Promise<boolean> {
    const isHere = target === undefined || this.#holds(target)
    const wasHere = isHere && !this.#isReadOnly && await removeKept(this.hiddenFolder, filename)
    const wasElsewhere = await this.#elsewhere?.removeKept(filename, target)
    return wasHere || wasElsewhere === true
  }

  #holds (path: string): boolean {
    return dirname(path) === this.realPath
  }

  #assertWritable (): void {
    if (this.#isReadOnly) throw new PiecemealError('E_IO', `the folder ${quote(this.path)} is read-only: files of it are shared, but none can be downloaded into it`)
  }

  async close (): Promise<void> {
    await this.#elsewhere?.close()
    await this.#lock?.release()
  }
}

/** One for each folder of each machine: a home may be on several of them. */
async function cacheFolder (path: string): Promise<string> {
  const { XDG_CACHE_HOME: cache = '' } = process.env
  const name = createHash('sha256').update(`${hostname()}\n${await realpath(path)}`).digest('hex').slice(0, 32)
  return join(isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'piecemeal', name)
}

function cannotUse (error: unknown, path: string): PiecemealError {
  return toDiskError(error, `cannot use the folder ${quote(path)}`)
}
