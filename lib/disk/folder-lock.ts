/** One process works on a node's folder: a lock of the kernel's, which a crash can't leave behind. */
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import { toDiskError } from './disk-error.js'
import { PiecemealError } from '../protocol/errors.js'
import { HIDDEN_FOLDER, quote } from '../protocol/names.js'
import { LOCK_FILE } from './hidden.js'

export class FolderLock {
  readonly #handle: FileHandle

  /**
   * Makes the folder and its hidden one if they are not there, and locks them.
   *
   * @throws E_NAME_TAKEN if another process has the lock; E_IO if the folder can't be made or written to.
   */
  static async take (folder: string): Promise<FolderLock> {
    const hidden = join(folder, HIDDEN_FOLDER)
    let handle: FileHandle
    try {
      await mkdir(hidden, { recursive: true })
      handle = await open(join(hidden, LOCK_FILE), 'a+')
    } catch (error) {
      throw toDiskError(error, `cannot use the folder ${quote(folder)}`)
    }
    if (tryLock(handle.fd)) return new FolderLock(handle)
    await handle.close()
    throw new PiecemealError('E_NAME_TAKEN', `another node is at work in the folder ${quote(folder)}`)
  }

  private constructor (handle: FileHandle) {
    this.#handle = handle
  }

  async release (): Promise<void> {
    await this.#handle.close()
  }
}
