/** One who reads a content while it comes. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { atDisk } from '../disk/at-disk.js'
import { toDiskError } from '../disk/disk-error.js'
import type { Readers } from '../download/readers.js'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Extent } from '../share/partial-share.js'
import type { Readable, Title } from './readable.js'

/** What it reads. */
export interface Pieces {
  readers: Readers
  locate: (title: Title, range: ByteRange) => Promise<Extent>
}

/** Pieces may be moved to another file, and be told of afterwards: so often it is looked again, and after what pause. */
const MOST_LOOKS = 50
const LOOK_MS = 100

export class ComingFile implements Readable {
  readonly title: Title
  readonly #coming: Pieces
  readonly #onClose: () => void
  #end: number
  #opened: { path: string, handle: FileHandle } | undefined
  #isClosed = false

  constructor (title: Title, coming: Pieces, onClose: () => void) {
    this.title = title
    this.#end = title.size
    this.#coming = coming
    this.#onClose = onClose
  }

  aim ({ start, end }: ByteRange): void {
    this.#end = end
    const { pieceLength } = this.title
    this.#coming.readers.reads(this, { firstPiece: Math.floor(start / pieceLength), endPiece: Math.ceil(end / pieceLength) })
  }

  async read (into: Buffer, length: number, position: number): Promise<number> {
    this.aim({ start: position, end: Math.max(position + length, this.#end) })
    for (let look = 0; look < MOST_LOOKS; look++) {
      const { path, range } = await this.#coming.locate(this.title, { start: position, end: position + length })
      const bytesRead = await this.#read(into, { path, range })
      if (bytesRead > 0) return bytesRead
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new PiecemealError('E_IO', `what has come of ${quote(this.title.filename)} is gone from the disk`)
  }

  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#coming.readers.leaves(this)
    this.#onClose()
    await this.#opened?.handle.close()
  }

  /** @returns 0 where the bytes are in another file by now */
  async #read (into: Buffer, { path, range: { start, end } }: Extent): Promise<number> {
    try {
      return await atDisk(async () => {
        if (this.#opened?.path !== path) await this.#open(path)
        return (await this.#opened?.handle.read(into, 0, Math.min(into.length, end - start), start))?.bytesRead ?? 0
      })
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return 0
      throw toDiskError(error, `cannot read ${quote(this.title.filename)}`)
    }
  }

  async #open (path: string): Promise<void> {
    const before = this.#opened
    this.#opened = undefined
    await before?.handle.close()
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    if (this.#isClosed) await handle.close()
    else this.#opened = { path, handle }
  }
}
