/** One process works on a node's folder: a lock of the kernel's, which a crash can't leave behind; where there are none, a file that says who it is. */
import { open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeFolder } from './make-folder.js'
import { tryLock } from './native-calls.js'
import * as check from '../protocol/check.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { HOLDER_FILE, LOCK_FILE } from './hidden.js'

const holderShape = { host: check.string, pid: check.bytes, started: check.string }
type Holder = { host: string, pid: number, started: string }

export class FolderLock {
  readonly #handle: FileHandle | undefined
  readonly #holderFile: string | undefined
  /** A sentence for the user, where the lock is only a file. */
  readonly warning: string | undefined

  /**
   * @param keptIn where the lock is: a folder that is made if it is not there
   * @param folder what is locked, for messages
   * @throws E_NAME_TAKEN if another process has the lock; a system error if there can be none.
   */
  static async take (keptIn: string, folder: string): Promise<FolderLock> {
    await makeFolder(keptIn)
    const handle = await open(join(keptIn, LOCK_FILE), 'a+')
    try {
      if (tryLock(handle.fd)) return new FolderLock({ handle })
    } catch {
      // Lustre without flock, NFS without its lock service, many FUSE file systems: each says it in its own way.
      await handle.close()
      return await FolderLock.#hold(join(keptIn, HOLDER_FILE), folder)
    }
    await handle.close()
    throw taken(`another node is at work in the folder ${quote(folder)}`)
  }

  static async #hold (path: string, folder: string): Promise<FolderLock> {
    const me: Holder = { host: hostname(), pid: process.pid, started: await startOf(process.pid) ?? '' }
    const write = async (): Promise<boolean> => await writeFile(path, JSON.stringify(me), { flag: 'wx' }).then(() => true, (error: unknown) => {
      if (systemCode(error) === 'EEXIST') return false
      throw error
    })
    if (!await write()) {
      const holder = await readHolder(path)
      if (holder && await mayLive(holder)) {
        throw taken(`the node of process ${holder.pid} on ${quote(holder.host)} is at work in the folder ${quote(folder)}; if it is not, remove ${quote(path)}`)
      }
      await rm(path, { force: true })
      if (!await write()) throw taken(`another node is at work in the folder ${quote(folder)}`)
    }
    return new FolderLock({ holderFile: path, warning: `the file system of ${quote(folder)} has no locks: ${quote(path)} says which node is at work there` })
  }

  private constructor ({ handle, holderFile, warning }: { handle?: FileHandle, holderFile?: string, warning?: string }) {
    this.#handle = handle
    this.#holderFile = holderFile
    this.warning = warning
  }

  async release (): Promise<void> {
    await this.#handle?.close()
    // A file that stays names a process that has ended, and counts for nothing.
    if (this.#holderFile !== undefined) await rm(this.#holderFile, { force: true }).catch(() => {})
  }
}

/** Undefined for one that was never written to its end. */
async function readHolder (path: string): Promise<Holder | undefined> {
  try {
    return check.checkShape(holderShape, JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** Nothing is known of the processes of another machine. */
async function mayLive ({ host, pid, started }: Holder): Promise<boolean> {
  return host !== hostname() || await startOf(pid) === started
}

/** When a process was started, in ticks since the machine was: a process id is used again, with another start. */
async function startOf (pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the name in parentheses, with whatever is in a name; the start is the 22nd.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function taken (message: string): PiecemealError {
  return new PiecemealError('E_NAME_TAKEN', message)
}
