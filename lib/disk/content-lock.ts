/**
 * In a folder that several processes work in, each with downloads of its own: one of them at a time
 * works on one content. The lock is a file beside what is kept of it, and goes with the download.
 */
import { lstat, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { systemCode } from '../protocol/errors.js'
import { atDisk } from './at-disk.js'
import { makeFolder } from './make-folder.js'
import { tryLock } from './native-calls.js'

/** How often a folder is made that others take away meanwhile. */
const MOST_TRIES = 10

export class ContentLock {
  readonly #path: string
  readonly #handle: FileHandle | undefined

  /** Undefined if another process has it. Where there are no locks nobody is kept out. @throws a system error if the folder can't be written to. */
  static async take (hiddenFolder: string, digest: string): Promise<ContentLock | undefined> {
    const path = join(hiddenFolder, `${digest.replace(DIGEST_PREFIX, '')}.lock`)
    return await atDisk(async () => {
      for (;;) {
        await makeShared(hiddenFolder)
        const handle = await openOrGone(path)
        // Whoever ended just now took the folder away, or the file, and the lock on it is nobody's.
        if (handle === undefined) continue
        if (!isLocked(handle)) {
          await handle.close()
          return undefined
        }
        if (await isInPlace(handle, path)) return new ContentLock(path, handle)
        await handle.close()
      }
    })
  }

  private constructor (path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  async release (): Promise<void> {
    await rm(this.#path, { force: true }).catch(() => {})
    await this.#handle?.close()
  }
}

/** Whoever finds the folder empty takes it away: another process may do so while this one looks whether it is there. @throws a system error */
export async function makeShared (hiddenFolder: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await makeFolder(hiddenFolder)
      return
    } catch (error) {
      const isGone = systemCode(error) === 'EEXIST' && await lstat(hiddenFolder).then(() => false, () => true)
      if (!isGone || tries === MOST_TRIES) throw error
    }
  }
}

async function openOrGone (path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'a+', 0o600)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function isLocked (handle: FileHandle): boolean {
  try {
    return tryLock(handle.fd)
  } catch {
    return true
  }
}

async function isInPlace (handle: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([handle.stat({ bigint: true }), lstat(path, { bigint: true }).catch(() => undefined)])
  return ours.ino === there?.ino && ours.dev === there.dev
}
