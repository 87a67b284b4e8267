/** What a folder is: its entries in their order. Whoever has one knows that all rules hold. */
import type { PieceList } from '../content/digest.js'
import type { Columns } from './columns.js'
import type { Entry, Head } from './entry.js'

/** Entries, pieces and the files' bytes are each numbered from 0 on, in the order of the paths. */
export class Manifest {
  /** Regular files, and their bytes together. */
  readonly head: Head
  readonly #columns: Columns

  /** By `ManifestBuilder`. */
  constructor (columns: Columns, head: Head) {
    this.#columns = columns
    this.head = head
  }

  get entryCount (): number {
    return this.#columns.count
  }

  get pieceCount (): number {
    return this.#columns.pieceCount
  }

  /** The digests of all pieces. Not to be written to. */
  get pieces (): PieceList {
    return this.#columns.digests()
  }

  /** Of each entry; what is no file has 0. Not to be written to. */
  get sizes (): Float64Array {
    return this.#columns.sizes
  }

  /** Made when it is asked for, and not kept. */
  entry (index: number): Entry {
    return this.#columns.entry(index)
  }

  /** All of them, each made when its turn comes, and not kept. */
  * entries (): Generator<Entry, void> {
    for (let index = 0; index < this.entryCount; index++) yield this.entry(index)
  }

  path (index: number): string {
    return this.#columns.path(index)
  }

  /** The entry with this path, or undefined: a folder that is not empty has none. */
  find (path: string): number | undefined {
    const bytes = Buffer.from(path)
    const index = this.#columns.lowerBound({ bytes, start: 0, end: bytes.length })
    return index < this.entryCount && this.path(index) === path ? index : undefined
  }
}
