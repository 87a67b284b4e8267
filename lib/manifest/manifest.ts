/** What a folder is: its entries in their order. Whoever has one knows that all rules hold. */
import type { PieceList } from '../content/digest.js'
import { Columns, type ColumnsData } from './columns.js'
import type { Entry, Head } from './entry.js'
import type { Slice } from './path.js'

/** A manifest for another thread, which has it in the same memory. */
export interface ManifestData extends Head, ColumnsData {}

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

  /** In the thread that was given it. */
  static fromData (data: ManifestData): Manifest {
    return new Manifest(new Columns(data), { files: data.files, size: data.size })
  }

  get data (): ManifestData {
    return { ...this.head, ...this.#columns.data }
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

  /** The bytes of its path. Not to be written to. */
  pathSlice (index: number): Slice {
    return this.#columns.pathSlice(index)
  }

  isFile (index: number): boolean {
    return this.#columns.isFile(index)
  }

  /** Of a file: where a file system does not tell. */
  setExecutable (index: number, isExecutable: boolean): void {
    this.#columns.setExecutable(index, isExecutable)
  }

  /** The number of its first piece among all; of what has none that of the piece that comes next. `entryCount`: of all, how many there are. */
  firstPieceOf (index: number): number {
    return this.#columns.firstPiece(index)
  }

  /** The entry with this path, or undefined: a folder that is not empty has none. */
  find (path: string): number | undefined {
    const bytes = Buffer.from(path)
    const index = this.lowerBound({ bytes, start: 0, end: bytes.length })
    return index < this.entryCount && this.path(index) === path ? index : undefined
  }

  /** The first entry that does not stand before this path, or `entryCount`. */
  lowerBound (path: Slice): number {
    return this.#columns.lowerBound(path)
  }
}
