/** A content that is still being downloaded: which of its pieces are there, and in which file each of them is. */
import type { PieceList } from '../content/digest.js'
import { FileLayout, piecesOf, type Layout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { PlacedRun } from '../content/run.js'
import type { ByteRange, Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { News } from './news.js'

/** Bytes in a row in one file. */
export interface Extent {
  path: string
  /** Of the file. */
  range: ByteRange
}

export interface PartialContent extends Content {
  filename: string
  /** Digests of what its origin had uploaded under that name before. */
  replaces?: readonly string[] | undefined
}

export class PartialShare {
  readonly content: Omit<PartialContent, 'replaces'>
  readonly replaces: PartialContent['replaces']
  readonly layout: Layout
  readonly have: PieceSet
  /** The digests of its pieces, where they are asked for. */
  readonly pieces: PieceList | undefined
  /** By piece. */
  readonly #places: PlacedRun[] = []
  readonly #news = new News()
  #isDropped = false

  constructor ({ filename, size, digest, pieceLength, replaces }: PartialContent, pieces?: PieceList) {
    this.content = { filename, size, digest, pieceLength }
    this.replaces = replaces
    this.pieces = pieces
    this.layout = new FileLayout(size, pieceLength)
    this.have = new PieceSet(this.layout.pieceCount)
  }

  /** Pieces are there; what is told a second time counts only if it was moved. */
  place (run: PlacedRun): void {
    for (let piece = run.firstPiece; piece < run.endPiece; piece++) {
      if (run.isMoved || !this.have.has(piece)) this.#places[piece] = run
    }
    this.have.addRange(run.firstPiece, run.endPiece)
    this.#news.tell()
  }

  /** It is offered no more. Ranges that are being sent may go on. */
  drop (): void {
    this.#isDropped = true
    this.#news.tell()
  }

  /**
   * Waits until it is told that a piece is in another file than this: whoever moves it tells of it, if only afterwards.
   *
   * @throws E_NOT_SHARED if it is offered no more, or nothing is told within `mostMs`.
   */
  async moved (piece: number, path: string, mostMs: number): Promise<void> {
    const untilMs = performance.now() + mostMs
    for (;;) {
      if (this.#places[piece]?.path !== path) return
      const leftMs = untilMs - performance.now()
      if (this.#isDropped || leftMs <= 0) throw new PiecemealError('E_NOT_SHARED', `${quote(this.content.filename)} is not shared here any more`)
      await this.#news.next(leftMs)
    }
  }

  /** What is there, and where. */
  get runs (): PlacedRun[] {
    const runs: PlacedRun[] = []
    this.#places.forEach((place, piece) => {
      const last = runs.at(-1)
      if (last?.path === place.path && last.endPiece === piece) last.endPiece++
      else runs.push({ ...place, firstPiece: piece, endPiece: piece + 1 })
    })
    return runs
  }

  /** @throws E_NOT_SHARED unless every piece that the ranges touch is there. */
  assertHas (ranges: readonly ByteRange[]): void {
    assertHas(this.content.filename, this.have, this.layout, ranges)
  }

  /** Where the bytes from `start` on are, as many of them up to `end` as are in one file. @throws E_NOT_SHARED. */
  locate ({ start, end }: ByteRange): Extent {
    this.assertHas([{ start, end }])
    const first = this.layout.pieceAt(start)
    const place = this.#places[first]
    if (place === undefined) throw new Error(`piece ${first} has no place`)
    let next = first + 1
    while (this.layout.offsetOf(next) < end && this.#places[next]?.path === place.path) next++
    const origin = this.layout.offsetOf(place.originPiece)
    return { path: place.path, range: { start: start - origin, end: Math.min(end, this.layout.offsetOf(next)) - origin } }
  }
}

/** @throws E_NOT_SHARED unless every piece that the ranges touch is there. */
export function assertHas (filename: string, have: PieceSet, layout: Layout, ranges: readonly ByteRange[]): void {
  for (const range of ranges) {
    const { firstPiece, endPiece } = piecesOf(layout, range)
    if (have.firstGapFrom(firstPiece) < endPiece) throw new PiecemealError('E_NOT_SHARED', `not all of that range of ${quote(filename)} is here`)
  }
}

/** By name. */
export class PartialShares {
  readonly #shares = new Map<string, PartialShare>()

  add (share: PartialShare): void {
    this.#shares.set(share.content.filename, share)
  }

  /** Whether it was there. */
  remove (filename: string): boolean {
    this.#shares.get(filename)?.drop()
    return this.#shares.delete(filename)
  }

  /** @param digest whichever there is if left out */
  get (filename: string, digest?: string): PartialShare | undefined {
    const share = this.#shares.get(filename)
    return digest === undefined || digest === share?.content.digest ? share : undefined
  }

  [Symbol.iterator] (): IterableIterator<PartialShare> {
    return this.#shares.values()
  }
}
