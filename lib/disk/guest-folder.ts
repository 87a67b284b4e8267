/**
 * A folder that a node works in for a while and that is not its own: somebody's working directory.
 * Others may do the same beside it. Nothing is made there before a download begins, each content has
 * a lock of its own, and what is not needed to go on with a download is taken away again.
 */
import { readdir, realpath, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { ORPHAN_MS } from '../protocol/limits.js'
import { HIDDEN_FOLDER, quote } from '../protocol/names.js'
import type { Abilities } from './abilities.js'
import { ContentLock, makeShared } from './content-lock.js'
import { DigestCache } from './digest-cache.js'
import { toDiskError } from './disk-error.js'
import { CONTENT_LOCK, DIGEST_FOLDER, SINGLE_PIECE, treeFile } from './hidden.js'
import { removeKept } from './kept.js'
import type { Destination, WorkingFolder } from './node-folder.js'
import { removeOrphans } from './orphans.js'
import { toFolderError, whereItGoes } from './where-it-goes.js'

const DIGEST_HEX = 64

export class GuestFolder implements WorkingFolder {
  readonly realPath: string
  readonly digests: DigestCache
  readonly warnings: readonly string[] = []
  readonly #hiddenFolder: string
  readonly #keptIn: string | undefined
  /** Targets of downloads that have begun: the folder is theirs, though nothing may be in it yet. */
  readonly #begun = new Set<string>()
  /** Target → the lock on what is downloaded to there. */
  readonly #locks = new Map<string, ContentLock>()

  /** @param digestsIn where digests are remembered @throws E_IO if there is no such folder. */
  static async open (path: string, digestsIn: string | undefined): Promise<GuestFolder> {
    const real = await realpath(path).catch((error: unknown) => { throw toFolderError(error, path, `cannot use the folder ${quote(path)}`) })
    return new GuestFolder(real, digestsIn)
  }

  private constructor (realPath: string, digestsIn: string | undefined) {
    this.realPath = realPath
    this.#hiddenFolder = join(realPath, HIDDEN_FOLDER)
    this.digests = new DigestCache(digestsIn)
    this.#keptIn = digestsIn
  }

  /** What others are at work on is left alone. */
  async tidy (now: Date): Promise<void> {
    const entries = await readdir(this.#hiddenFolder).catch(() => [])
    const digests = new Set(entries.filter((entry) => [DIGEST_FOLDER, SINGLE_PIECE, CONTENT_LOCK].some((pattern) => pattern.test(entry))).map((entry) => entry.slice(0, DIGEST_HEX)))
    if (entries.length === 0) return
    const locks: ContentLock[] = []
    const inUse = new Set<string>()
    try {
      for (const digest of digests) {
        const lock = await ContentLock.take(this.#hiddenFolder, digest)
        if (lock === undefined) inUse.add(digest)
        else locks.push(lock)
      }
      await removeOrphans({ folder: this.realPath, hiddenFolder: this.#hiddenFolder, inUse, maxAgeMs: ORPHAN_MS, now })
    } catch {
      // A folder that may only be read is not ours to tidy.
    } finally {
      for (const lock of locks) await lock.release()
      await this.#removeIfEmpty()
    }
  }

  /** Where it is remembered what a folder was, beside the digests. */
  treeFile (root: string): string | undefined {
    return this.#keptIn === undefined ? undefined : treeFile(this.#keptIn, root)
  }

  get notesFolder (): string {
    return this.#hiddenFolder
  }

  async targetOf (filename: string, to?: string): Promise<string> {
    return to === undefined ? join(this.realPath, filename) : await whereItGoes(to, filename)
  }

  async destination (filename: string, target: string, find: (hiddenFolder: string) => Promise<Abilities>): Promise<Destination> {
    if (dirname(target) !== this.realPath) throw new PiecemealError('E_USAGE', `${quote(filename)} can't go to ${quote(target)}: all that is fetched at a time goes to one folder`)
    this.#begun.add(target)
    return { target, hiddenFolder: this.#hiddenFolder, ...await this.#abilities(find), begin: async (digest) => await this.#lock(filename, target, digest) }
  }

  /** Does `work` unless another process is at work on that content. */
  async alone<T> (digest: string, work: () => Promise<T>): Promise<T | undefined> {
    const lock = await ContentLock.take(this.#hiddenFolder, digest)
    try {
      return lock && await work()
    } finally {
      await lock?.release()
    }
  }

  async leave (_filename: string, target: string): Promise<void> {
    await this.#locks.get(target)?.release()
    this.#locks.delete(target)
    this.#begun.delete(target)
    await this.#removeIfEmpty()
  }

  async removeKept (filename: string): Promise<boolean> {
    const names = await readdir(this.#hiddenFolder).catch(() => [])
    const locks: ContentLock[] = []
    try {
      for (const digest of names.filter((name) => DIGEST_FOLDER.test(name))) {
        const lock = await ContentLock.take(this.#hiddenFolder, digest)
        if (lock === undefined) throw inProgress(filename)
        locks.push(lock)
      }
      return names.length > 0 && await removeKept(this.#hiddenFolder, filename)
    } finally {
      for (const lock of locks) await lock.release()
      await this.#removeIfEmpty()
    }
  }

  async close (): Promise<void> {
    for (const target of [...this.#locks.keys()]) await this.leave('', target)
    await this.#removeIfEmpty()
  }

  /** Once it is known which content it is; before that nothing is written. @throws E_IN_PROGRESS, E_IO. */
  async #lock (filename: string, target: string, digest: string): Promise<void> {
    if (this.#locks.has(target)) return
    const lock = await ContentLock.take(this.#hiddenFolder, digest.replace(DIGEST_PREFIX, '')).catch((error: unknown) => { throw toDiskError(error, `cannot download to ${quote(this.realPath)}`) })
    if (lock === undefined) throw inProgress(filename)
    this.#locks.set(target, lock)
  }

  /** Another process may have taken the folder away meanwhile: then nothing was found out. @throws E_IO, E_DISK_FULL. */
  async #abilities (find: (hiddenFolder: string) => Promise<Abilities>): Promise<Abilities> {
    try {
      for (;;) {
        await makeShared(this.#hiddenFolder)
        const abilities = await find(this.#hiddenFolder)
        if (await stat(this.#hiddenFolder).then(() => true, () => false)) return abilities
      }
    } catch (error) {
      throw toDiskError(error, `cannot download to ${quote(this.realPath)}`)
    }
  }

  async #removeIfEmpty (): Promise<void> {
    if (this.#begun.size > 0) return
    await rmdir(this.#hiddenFolder).catch(() => {})
  }
}

function inProgress (filename: string): PiecemealError {
  return new PiecemealError('E_IN_PROGRESS', `${quote(filename)} is being downloaded to this folder already, by another process`)
}
