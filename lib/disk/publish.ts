/** The last step: a complete file gets its name, at once and whole, and never in the place of another. */
import { lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { atDisk } from './at-disk.js'
import { exists, type NameTask } from './give-name.js'
import { toDiskError } from './disk-error.js'
import { systemCode, type PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** @throws E_EXISTS if anything has that name, a link that leads nowhere included. */
export async function assertAbsent (path: string, filename: string): Promise<void> {
  try {
    await atDisk(async () => await lstat(path))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw toDiskError(error, `cannot look for ${quote(filename)}`)
  }
  throw exists(filename)
}

/**
 * Gives a large file its name; then the folder is synced, and only then the old name goes.
 *
 * @param giveName waits for the disk, in a thread that may
 * @throws E_EXISTS, E_DISK_FULL, E_IO; what was fetched still has its old name then.
 */
export async function publish (task: NameTask, giveName: (task: NameTask) => Promise<void>): Promise<void> {
  const { from, to, filename } = task
  await giveName(task)
  try {
    await syncFolder(dirname(to))
  } catch (error) {
    await takeBack(from, to)
    throw unsafe(error, filename)
  }
  // A link is left over; after a rename there is none.
  await atDisk(async () => await unlink(from)).catch(() => {})
}

/** As it was before, so that it can be tried again. */
async function takeBack (from: string, to: string): Promise<void> {
  const isLinked = await lstat(from).then(() => true, () => false)
  // If it can't be undone the file is whole under its name, though nobody is told that it is saved.
  await (isLinked ? unlink(to) : rename(to, from)).catch(() => {})
}

/** A file that was named by its thread is there for good, or not at all. @throws E_DISK_FULL, E_IO. */
export async function secureName (path: string, filename: string): Promise<void> {
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    // Not safely there: better not there at all than lost at the next power cut after "saved".
    await unlink(path).catch(() => {})
    throw unsafe(error, filename)
  }
}

function unsafe (error: unknown, filename: string): PiecemealError {
  return toDiskError(error, `cannot publish ${quote(filename)}`)
}

/** Those that are to be synced, or are being synced, by their paths. */
const folders = new Map<string, FolderSyncs>()

/** Of those that ask at once all share one. @throws what the system says, where it can be done at all */
export async function syncFolder (path: string): Promise<void> {
  const folder = folders.get(path) ?? new FolderSyncs(path)
  folders.set(path, folder)
  await folder.sync()
}

/** Some file systems can't sync a folder, and need not; some folders may be written to but not opened. */
const CANNOT_SYNC = new Set(['EINVAL', 'EBADF', 'EISDIR', 'EACCES', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])

/** One after the other, of one folder, which stays open from one to the next. */
class FolderSyncs {
  readonly #path: string
  /** The one that has not begun yet: all who ask until then share it, so many small files wait for few. */
  #due: Promise<void> | undefined
  /** What was linked after its beginning may not be in it. */
  #running: Promise<void> = Promise.resolve()
  #folder: FileHandle | undefined

  constructor (path: string) {
    this.#path = path
  }

  async sync (): Promise<void> {
    this.#due ??= this.#syncAfter(this.#running)
    await this.#due
  }

  async #syncAfter (running: Promise<void>): Promise<void> {
    await running.catch(() => {})
    this.#running = atDisk(async () => await this.#syncNow())
    await this.#running
  }

  async #syncNow (): Promise<void> {
    this.#due = undefined
    try {
      this.#folder ??= await open(this.#path)
      await this.#folder.sync()
    } catch (error) {
      if (!CANNOT_SYNC.has(systemCode(error) ?? '')) throw error
    } finally {
      await this.#closeUnlessDue()
    }
  }

  async #closeUnlessDue (): Promise<void> {
    if (this.#due !== undefined) return
    // Whoever asks from now on begins anew.
    folders.delete(this.#path)
    await this.#folder?.close()
  }
}
