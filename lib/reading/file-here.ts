/** A file that is here as a whole. What is read of it was digested, as long as nothing about it has changed. */
import type { FileHandle } from 'node:fs/promises'
import { atDisk } from '../disk/at-disk.js'
import { toDiskError } from '../disk/disk-error.js'
import { identifySync, isSameFile, openOwnFile, type FileIdentity } from '../disk/own-file.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Readable, Title } from './readable.js'

export interface FileHere {
  title: Title
  path: string
  /** As it was when it was digested. */
  identity: FileIdentity
  /** Something about it is not as it was. */
  onSuspect: () => void
}

export class OpenFile implements Readable {
  readonly title: Title
  readonly #file: FileHere
  readonly #handle: FileHandle
  #isClosed = false

  /** @throws E_BUSY if it is not what it was, which is looked into; E_IO, E_FORBIDDEN, E_LIMIT. */
  static async open (file: FileHere): Promise<OpenFile> {
    const { handle, identity } = await openOwnFile(file.path)
    const opened = new OpenFile(file, handle)
    if (isSameFile(identity, file.identity)) return opened
    await opened.close()
    throw opened.#changed()
  }

  private constructor (file: FileHere, handle: FileHandle) {
    this.title = file.title
    this.#file = file
    this.#handle = handle
  }

  aim (): void {}

  /** It is asked after each read whether the file is as it was: bytes that were written meanwhile are never taken for those that were digested. */
  async read (into: Buffer, length: number, position: number): Promise<number> {
    const { bytesRead, identity } = await atDisk(async () => {
      const { bytesRead } = await this.#handle.read(into, 0, length, position)
      // The disk has answered just now. A turn through the thread pool for this too took as long as the read.
      return { bytesRead, identity: identifySync(this.#handle.fd) }
    }).catch((error: unknown) => { throw toDiskError(error, `cannot read ${quote(this.title.filename)}`) })
    if (bytesRead === 0 || !isSameFile(identity, this.#file.identity)) throw this.#changed()
    return bytesRead
  }

  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#handle.close()
  }

  #changed (): PiecemealError {
    this.#file.onSuspect()
    return new PiecemealError('E_BUSY', `something about ${quote(this.title.filename)} has changed since it was announced; it is looked at again`)
  }
}
