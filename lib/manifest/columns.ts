/**
 * The entries of a manifest, a million at most, in few buffers: an object and a string each would be
 * several times as much memory, all of it for the garbage collector to look at. The buffers are in
 * memory that threads share, so that all of them have a manifest, and none has a copy.
 */
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'
import type { Entry } from './entry.js'
import { comparePaths, type Slice } from './path.js'
import { withBytes } from './shared-memory.js'

const FILE = 0
const EXECUTABLE = 1
const FOLDER = 2
const LINK = 3

/** Of each column, in bytes. */
const FIRST_MEMORY = 512

/** For another thread. */
export interface ColumnsData {
  count: number
  text: Uint8Array<SharedArrayBuffer>
  starts: Uint32Array<SharedArrayBuffer>
  pathBytes: Uint16Array<SharedArrayBuffer>
  kinds: Uint8Array<SharedArrayBuffer>
  sizes: Float64Array<SharedArrayBuffer>
  digests: Uint8Array<SharedArrayBuffer>
  firstPieces: Uint32Array<SharedArrayBuffer>
  times: Float64Array<SharedArrayBuffer> | undefined
}

export class Columns {
  #count = 0
  /** Path of each entry, behind that of a link its target. */
  #text = bytes(new SharedArrayBuffer(FIRST_MEMORY))
  /** Entry → where its text begins; one more, where the last one ends. */
  #starts = uint32(new SharedArrayBuffer(FIRST_MEMORY))
  #pathBytes = uint16(new SharedArrayBuffer(FIRST_MEMORY))
  #kinds = uint8(new SharedArrayBuffer(FIRST_MEMORY))
  /** Of what is no file: 0. */
  #sizes = float64(new SharedArrayBuffer(FIRST_MEMORY))
  #digests = bytes(new SharedArrayBuffer(FIRST_MEMORY))
  /** Entry → pieces of those before it; one more, for all. */
  #firstPieces = uint32(new SharedArrayBuffer(FIRST_MEMORY))
  /** Only where the manifest has times. */
  #times: Float64Array<SharedArrayBuffer> | undefined

  /** @param data of another one, whose entries it has as well; none may be appended to either then */
  constructor (data?: ColumnsData) {
    if (data === undefined) return
    this.#count = data.count
    this.#text = asBuffer(data.text)
    this.#starts = data.starts
    this.#pathBytes = data.pathBytes
    this.#kinds = data.kinds
    this.#sizes = data.sizes
    this.#digests = asBuffer(data.digests)
    this.#firstPieces = data.firstPieces
    this.#times = data.times
  }

  get data (): ColumnsData {
    return {
      count: this.#count,
      text: this.#text,
      starts: this.#starts,
      pathBytes: this.#pathBytes,
      kinds: this.#kinds,
      sizes: this.#sizes,
      digests: this.#digests,
      firstPieces: this.#firstPieces,
      times: this.#times,
    }
  }

  get count (): number {
    return this.#count
  }

  get pieceCount (): number {
    return this.firstPiece(this.#count)
  }

  append (entry: Entry): void {
    const index = this.#count++
    const target = entry.kind === 'link' ? entry.target : ''
    this.#makeRoom(3 * (entry.path.length + target.length))
    const start = this.#start(index)
    const pathBytes = this.#text.write(entry.path, start)
    this.#pathBytes[index] = pathBytes
    this.#starts[index + 1] = start + pathBytes + this.#text.write(target, start + pathBytes)
    this.#kinds[index] = kindOf(entry)
    this.#appendPieces(index, entry)
    if (entry.kind !== 'link' && entry.mtimeMs !== undefined) this.#setTime(index, entry.mtimeMs)
  }

  /** A new object each time. */
  entry (index: number): Entry {
    const path = this.path(index)
    if (this.isLink(index)) return { kind: 'link', path, target: this.target(index) }
    const time = this.#times && { mtimeMs: this.#times[index] ?? 0 }
    if (!this.isFile(index)) return { kind: 'folder', path, ...time }
    return { kind: 'file', path, size: this.size(index), isExecutable: this.#kinds[index] === EXECUTABLE, digests: this.digests(index), ...time }
  }

  setExecutable (index: number, isExecutable: boolean): void {
    this.#kinds[index] = isExecutable ? EXECUTABLE : FILE
  }

  isFile (index: number): boolean {
    return this.#kinds[index] === FILE || this.#kinds[index] === EXECUTABLE
  }

  isLink (index: number): boolean {
    return this.#kinds[index] === LINK
  }

  path (index: number): string {
    const { start, end } = this.pathSlice(index)
    return this.#text.toString('utf8', start, end)
  }

  pathSlice (index: number): Slice {
    const start = this.#start(index)
    return { bytes: this.#text, start, end: start + (this.#pathBytes[index] ?? 0) }
  }

  /** Of a link. */
  target (index: number): string {
    return this.#text.toString('utf8', this.pathSlice(index).end, this.#start(index + 1))
  }

  size (index: number): number {
    return this.#sizes[index] ?? 0
  }

  /** Of each entry. Not to be written to. */
  get sizes (): Float64Array {
    return this.#sizes.subarray(0, this.#count)
  }

  /** Of the pieces of one entry, or of all. Not to be written to. */
  digests (index?: number): Buffer {
    const [from, end] = index === undefined ? [0, this.#count] : [index, index + 1]
    return this.#digests.subarray(this.firstPiece(from) * PIECE_DIGEST_BYTES, this.firstPiece(end) * PIECE_DIGEST_BYTES)
  }

  firstPiece (index: number): number {
    return this.#firstPieces[index] ?? 0
  }

  /** The first entry that does not stand before this path, or `count`. */
  lowerBound (path: Slice): number {
    let from = 0
    let end = this.#count
    while (from < end) {
      const middle = (from + end) >>> 1
      if (comparePaths(this.pathSlice(middle), path) < 0) from = middle + 1
      else end = middle
    }
    return from
  }

  /** Where its text begins. */
  #start (index: number): number {
    return this.#starts[index] ?? 0
  }

  #appendPieces (index: number, entry: Entry): void {
    const first = this.firstPiece(index)
    const digests = entry.kind === 'file' ? entry.digests : undefined
    this.#firstPieces[index + 1] = first + (digests?.length ?? 0) / PIECE_DIGEST_BYTES
    if (entry.kind !== 'file' || digests === undefined) return
    this.#sizes[index] = entry.size
    const at = first * PIECE_DIGEST_BYTES
    this.#digests = withRoom(this.#digests, at + digests.length, bytes)
    this.#digests.set(digests, at)
  }

  #setTime (index: number, mtimeMs: number): void {
    this.#times = withRoom(this.#times ?? float64(new SharedArrayBuffer(FIRST_MEMORY)), index + 1, float64)
    this.#times[index] = mtimeMs
  }

  #makeRoom (textBytes: number): void {
    const least = this.#count + 1
    this.#text = withRoom(this.#text, this.#start(this.#count - 1) + textBytes, bytes)
    this.#starts = withRoom(this.#starts, least, uint32)
    this.#pathBytes = withRoom(this.#pathBytes, least, uint16)
    this.#kinds = withRoom(this.#kinds, least, uint8)
    this.#sizes = withRoom(this.#sizes, least, float64)
    this.#firstPieces = withRoom(this.#firstPieces, least, uint32)
  }
}

function kindOf (entry: Entry): number {
  if (entry.kind === 'file') return entry.isExecutable ? EXECUTABLE : FILE
  return entry.kind === 'folder' ? FOLDER : LINK
}

const bytes = (memory: SharedArrayBuffer): Buffer<SharedArrayBuffer> => Buffer.from(memory, 0, memory.byteLength)
// Of a length of their own: a view without one gets longer with its memory, and is slow.
const uint8 = (memory: SharedArrayBuffer): Uint8Array<SharedArrayBuffer> => new Uint8Array(memory, 0, memory.byteLength)
const uint16 = (memory: SharedArrayBuffer): Uint16Array<SharedArrayBuffer> => new Uint16Array(memory, 0, Math.floor(memory.byteLength / Uint16Array.BYTES_PER_ELEMENT))
const uint32 = (memory: SharedArrayBuffer): Uint32Array<SharedArrayBuffer> => new Uint32Array(memory, 0, Math.floor(memory.byteLength / Uint32Array.BYTES_PER_ELEMENT))
const float64 = (memory: SharedArrayBuffer): Float64Array<SharedArrayBuffer> => new Float64Array(memory, 0, Math.floor(memory.byteLength / Float64Array.BYTES_PER_ELEMENT))

/** What crosses threads arrives as a plain Uint8Array. */
function asBuffer ({ buffer, byteOffset, byteLength }: Uint8Array<SharedArrayBuffer>): Buffer<SharedArrayBuffer> {
  return Buffer.from(buffer, byteOffset, byteLength)
}

interface Column {
  readonly length: number
  readonly buffer: SharedArrayBuffer
  readonly BYTES_PER_ELEMENT: number
}

/** The column itself, or one that is longer, mostly in the same memory: that of which nothing was written is not taken from the machine. */
function withRoom<C extends Column> (column: C, least: number, view: (memory: SharedArrayBuffer) => C): C {
  return column.length >= least ? column : view(withBytes(column.buffer, least * column.BYTES_PER_ELEMENT))
}
