/**
 * Where the pieces of a content are in its bytes: that is all in which a file and a folder differ to
 * a schedule, a part or a share.
 */
import { pieceCount, pieceLengthFor, type ByteRange } from '../protocol/content.js'
import type { PieceSet } from './piece-set.js'
import type { PieceRange } from './run.js'

export interface Layout {
  readonly pieceCount: number
  /** Bytes of all pieces. */
  readonly size: number
  /** Where a piece begins; `size` for `pieceCount` and beyond. */
  offsetOf (piece: number): number
  /** The piece that has the byte at this offset; `pieceCount` for `size` and beyond. */
  pieceAt (offset: number): number
}

/** The pieces of a file: all of one length, but for the last. */
export class FileLayout implements Layout {
  readonly pieceCount: number
  readonly size: number
  readonly #pieceLength: number

  /** @param pieceLength as the digest has it, which is the one that the size calls for */
  constructor (size: number, pieceLength = pieceLengthFor(size)) {
    this.size = size
    this.#pieceLength = pieceLength
    this.pieceCount = pieceCount({ size, pieceLength })
  }

  offsetOf (piece: number): number {
    return Math.min(this.size, piece * this.#pieceLength)
  }

  pieceAt (offset: number): number {
    return offset >= this.size ? this.pieceCount : Math.floor(offset / this.#pieceLength)
  }
}

/** The pieces of several files, one file after the other; each begins a new piece. An empty one has none. */
export class FolderLayout implements Layout {
  /** File → its first byte, and its first piece, among all; one more, for the end. */
  readonly #offsets: Float64Array
  readonly #firstPieces: Uint32Array

  /** @param sizes of the files, in order */
  constructor (sizes: ArrayLike<number>) {
    this.#offsets = new Float64Array(sizes.length + 1)
    this.#firstPieces = new Uint32Array(sizes.length + 1)
    for (let file = 0; file < sizes.length; file++) {
      const size = sizes[file] ?? 0
      this.#offsets[file + 1] = this.offsetOfFile(file) + size
      this.#firstPieces[file + 1] = this.firstPieceOf(file) + pieceCount({ size, pieceLength: pieceLengthFor(size) })
    }
  }

  get fileCount (): number {
    return this.#offsets.length - 1
  }

  get pieceCount (): number {
    return this.firstPieceOf(this.fileCount)
  }

  get size (): number {
    return this.offsetOfFile(this.fileCount)
  }

  offsetOf (piece: number): number {
    if (piece >= this.pieceCount) return this.size
    const file = this.fileOf(piece)
    return this.offsetOfFile(file) + (piece - this.firstPieceOf(file)) * this.#pieceLengthOf(file)
  }

  pieceAt (offset: number): number {
    if (offset >= this.size) return this.pieceCount
    const file = lastAtMost(this.#offsets, offset)
    return this.firstPieceOf(file) + Math.floor((offset - this.offsetOfFile(file)) / this.#pieceLengthOf(file))
  }

  /** The file that a piece is of, by its number among all. */
  fileOf (piece: number): number {
    return lastAtMost(this.#firstPieces, piece)
  }

  /** Where a file begins, and the one before it ends. */
  offsetOfFile (file: number): number {
    return this.#offsets[file] ?? 0
  }

  firstPieceOf (file: number): number {
    return this.#firstPieces[file] ?? 0
  }

  #pieceLengthOf (file: number): number {
    return pieceLengthFor(this.offsetOfFile(file + 1) - this.offsetOfFile(file))
  }
}

/** A run of the pieces of any layout, and nothing of the others: what a thread is told of one. */
export class RunLayout implements Layout {
  readonly #offsets: Float64Array
  readonly #firstPiece: number

  /** @param offsets as `offsetsOf` */
  constructor (offsets: Float64Array, firstPiece: number) {
    this.#offsets = offsets
    this.#firstPiece = firstPiece
  }

  get pieceCount (): number {
    return this.#firstPiece + this.#offsets.length - 1
  }

  get size (): number {
    return this.#offsets.at(-1) ?? 0
  }

  offsetOf (piece: number): number {
    return this.#offsets[piece - this.#firstPiece] ?? this.size
  }

  pieceAt (offset: number): number {
    return offset >= this.size ? this.pieceCount : this.#firstPiece + lastAtMost(this.#offsets, offset)
  }
}

/** Where each piece of a run begins, and one more: where the last one ends. */
export function offsetsOf (layout: Layout, { firstPiece, endPiece }: PieceRange): Float64Array {
  return Float64Array.from({ length: endPiece - firstPiece + 1 }, (_, i) => layout.offsetOf(firstPiece + i))
}

/** How many bytes the pieces of a set have. */
export function bytesOfSet (layout: Layout, set: PieceSet): number {
  return rangesOf(layout, set).reduce((bytes, { start, end }) => bytes + end - start, 0)
}

/** The bytes of the pieces from `firstPiece` to `endPiece`, exclusive. */
export function bytesOf (layout: Layout, { firstPiece, endPiece }: PieceRange): ByteRange {
  return { start: layout.offsetOf(firstPiece), end: layout.offsetOf(endPiece) }
}

/** The pieces of which the range has a byte. */
export function piecesOf (layout: Layout, { start, end }: ByteRange): PieceRange {
  const firstPiece = layout.pieceAt(start)
  return { firstPiece, endPiece: end > start ? Math.min(layout.pieceCount, layout.pieceAt(end - 1) + 1) : firstPiece }
}

/** Where these pieces are: ascending ranges that do not touch, from `firstPiece` on, at most so many. */
export function rangesOf (layout: Layout, pieces: PieceSet, { firstPiece = 0, most = Infinity } = {}): ByteRange[] {
  const ranges: ByteRange[] = []
  let piece = pieces.firstFrom(firstPiece)
  while (piece < pieces.pieceCount && ranges.length < most) {
    const endPiece = pieces.firstGapFrom(piece)
    ranges.push(bytesOf(layout, { firstPiece: piece, endPiece }))
    piece = pieces.firstFrom(endPiece)
  }
  return ranges
}

/** The last index with a number that is no more than `value`, in an ascending array whose first is no more: of equal ones the last, which is the file that has something. */
function lastAtMost (ascending: Float64Array | Uint32Array, value: number): number {
  let from = 0
  let end = ascending.length
  while (end - from > 1) {
    const middle = (from + end) >>> 1
    if ((ascending[middle] ?? 0) <= value) from = middle
    else end = middle
  }
  return from
}
