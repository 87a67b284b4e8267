/** The files of an archive in their order. Small ones that are not here are asked for some before their turn, for to ask takes longer than to fetch. */
import type { EntryRange } from '../manifest/entries-at.js'
import { MiB } from '../protocol/units.js'
import type { ReadFolder, ReadFolders } from '../reading/read-folders.js'
import type { Readable } from '../reading/readable.js'

/** So many at once, with no more bytes: they stay in the cache until their turn. */
const AHEAD = 6
const AHEAD_BYTES = 8 * MiB

export class FilesAhead {
  readonly #folder: ReadFolder
  readonly #folders: Pick<ReadFolders, 'open' | 'isHere'>
  /** Those whose turn comes, by their entries, in order. */
  readonly #ahead = new Map<number, Promise<Readable>>()
  #bytes = 0
  /** Of what has not been asked for. */
  #next: number
  readonly #end: number

  constructor (folder: ReadFolder, { first, end }: EntryRange, folders: Pick<ReadFolders, 'open' | 'isHere'>) {
    this.#folder = folder
    this.#folders = folders
    this.#next = first
    this.#end = end
  }

  /** To be closed by the caller. @param entry each file that is not empty, in order @throws as `ReadFolders.open`. */
  async take (entry: number): Promise<Readable> {
    this.#look(entry)
    const opening = this.#ahead.get(entry)
    this.#leave(entry)
    this.#look(entry + 1)
    try {
      if (opening) return await opening
    } catch {
      // What was asked for before its turn may have been in its way.
      await this.close()
    }
    return await this.#folders.open(this.#folder, entry)
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    const opened = [...this.#ahead.values()]
    this.#ahead.clear()
    this.#bytes = 0
    this.#next = this.#end
    await Promise.all(opened.map(async (opening) => { await opening.then(async (file) => await file.close(), () => {}) }))
  }

  #look (first: number): void {
    const { share: { manifest } } = this.#folder
    for (this.#next = Math.max(this.#next, first); this.#next < this.#end && this.#ahead.size < AHEAD; this.#next++) {
      const size = manifest.isFile(this.#next) ? manifest.sizes[this.#next] ?? 0 : 0
      if (size === 0) continue
      if (this.#bytes + size > AHEAD_BYTES) return
      if (this.#folders.isHere(this.#folder, this.#next)) continue
      const opening = this.#folders.open(this.#folder, this.#next)
      // It is told of in its turn.
      opening.catch(() => {})
      this.#ahead.set(this.#next, opening)
      this.#bytes += size
    }
  }

  #leave (entry: number): void {
    if (this.#ahead.delete(entry)) this.#bytes -= this.#folder.share.manifest.sizes[entry] ?? 0
  }
}
