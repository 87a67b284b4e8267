/**
 * What is wanted of a folder: some of its files, all of each. Their pieces are numbered without gaps,
 * for a schedule knows no others; owners number those of the whole folder.
 */
import { PART_BYTES, PART_PIECES, RANGES_PER_REQUEST } from '../protocol/limits.js'
import type { ByteRange } from '../protocol/content.js'
import { FolderLayout } from './layout.js'
import { PieceSet } from './piece-set.js'
import type { PieceRange } from './run.js'
import type { Wanted } from './wanted.js'

export class Selection implements Wanted {
  /** Of the wanted files alone, one after the other. */
  readonly layout: FolderLayout
  readonly #whole: FolderLayout
  /** Wanted file → its number among all. Not to be written to. */
  readonly entries: Uint32Array

  /** @param entries by their numbers in the whole folder, ascending: what is no file has no bytes */
  constructor (whole: FolderLayout, entries: Uint32Array) {
    this.#whole = whole
    this.entries = entries
    // All of it is mostly wanted, and a million files need not be numbered twice.
    this.layout = entries.length === whole.fileCount ? whole : new FolderLayout(Float64Array.from(entries, (file) => whole.offsetOfFile(file + 1) - whole.offsetOfFile(file)))
  }

  get ownersPieces (): number {
    return this.#whole.pieceCount
  }

  /** The file of the whole folder that a wanted piece is of. */
  fileOf (piece: number): number {
    return this.#fileAt(this.layout.fileOf(piece))
  }

  /** The number that owners give to a wanted piece. */
  pieceInFolder (piece: number): number {
    const file = this.layout.fileOf(piece)
    return this.#whole.firstPieceOf(this.#fileAt(file)) + piece - this.layout.firstPieceOf(file)
  }

  /** The numbers that owners give to these wanted pieces, in runs. */
  * inFolder ({ firstPiece, endPiece }: PieceRange): Generator<PieceRange, void> {
    let run: PieceRange | undefined
    for (let piece = firstPiece; piece < endPiece;) {
      const end = Math.min(endPiece, this.layout.firstPieceOf(this.layout.fileOf(piece) + 1))
      const there = this.pieceInFolder(piece)
      const next = { firstPiece: there, endPiece: there + end - piece }
      if (run?.endPiece === next.firstPiece) run.endPiece = next.endPiece
      else {
        if (run) yield run
        run = next
      }
      piece = end
    }
    if (run) yield run
  }

  rangesOf (pieces: PieceRange): ByteRange[] {
    return [...this.#ranges(pieces)]
  }

  wantedOf (have: PieceSet): PieceSet {
    if (this.entries.length === this.#whole.fileCount) return have
    const wanted = new PieceSet(this.layout.pieceCount)
    for (let file = 0; file < this.entries.length; file++) {
      const firstPiece = this.layout.firstPieceOf(file)
      const there = this.#whole.firstPieceOf(this.#fileAt(file))
      for (let piece = firstPiece; piece < this.layout.firstPieceOf(file + 1); piece++) if (have.has(there + piece - firstPiece)) wanted.add(piece)
    }
    return wanted
  }

  /** The files that these pieces are of: each by its number in the whole folder, where in it they begin, and how many bytes they have there. */
  * extentsOf ({ firstPiece, endPiece }: PieceRange): Generator<{ entry: number, offset: number, bytes: number }, void> {
    const end = this.layout.offsetOf(endPiece)
    for (let at = this.layout.offsetOf(firstPiece), file = this.layout.fileOf(firstPiece); at < end; file++) {
      const fileEnd = Math.min(end, this.layout.offsetOfFile(file + 1))
      if (fileEnd === at) continue
      yield { entry: this.#fileAt(file), offset: at - this.layout.offsetOfFile(file), bytes: fileEnd - at }
      at = fileEnd
    }
  }

  /** A part is one request and one part file, however small the files. */
  endOfPart ({ firstPiece, endPiece }: PieceRange): number {
    const inBytes = this.layout.pieceAt(this.layout.offsetOf(firstPiece) + PART_BYTES)
    const end = Math.min(endPiece, firstPiece + PART_PIECES, Math.max(firstPiece + 1, inBytes))
    let ranges = 0
    let bytes = 0
    for (const { start, end: rangeEnd } of this.#ranges({ firstPiece, endPiece: end })) {
      if (ranges === RANGES_PER_REQUEST) return this.layout.pieceAt(this.layout.offsetOf(firstPiece) + bytes)
      ranges++
      bytes += rangeEnd - start
    }
    return end
  }

  /** File by file, joined where one begins where the other ended. */
  * #ranges ({ firstPiece, endPiece }: PieceRange): Generator<ByteRange, void> {
    let range: ByteRange | undefined
    for (const { entry, offset, bytes } of this.extentsOf({ firstPiece, endPiece })) {
      const start = this.#whole.offsetOfFile(entry) + offset
      const next = { start, end: start + bytes }
      if (range?.end === next.start) range.end = next.end
      else {
        if (range) yield range
        range = next
      }
    }
    if (range) yield range
  }

  #fileAt (file: number): number {
    return this.entries[file] ?? 0
  }
}
