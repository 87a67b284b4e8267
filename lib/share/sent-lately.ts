/**
 * Which pieces of each complete file were given away lately: those on their way now, and those that
 * went out a moment ago. Whoever wants a piece that nobody is known to have leaves these to their
 * receivers, who are about to serve them; so an owner that many begin to fetch from at once sends
 * each piece about once.
 *
 * It is forgotten after a few seconds: who has a piece by then is known, and a receiver that left with
 * the only copy is not waited for any longer.
 */
import { piecesOf, type Layout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { ByteRange } from '../protocol/content.js'
import { CONTENTS_SENT_LATELY } from '../protocol/limits.js'

/** What went out counts for this long, and at most twice as long. */
const COUNTS_MS = 4_000

export class SentPieces {
  /** Streams that each piece is on its way on. */
  readonly #streams: Uint16Array
  readonly #onTheWay: PieceSet
  /** What has gone out since `#sinceMs`, and in the period before. */
  #lately: PieceSet
  #before: PieceSet
  #sinceMs = -Infinity

  constructor (pieceCount: number) {
    this.#streams = new Uint16Array(pieceCount)
    this.#onTheWay = new PieceSet(pieceCount)
    this.#lately = new PieceSet(pieceCount)
    this.#before = new PieceSet(pieceCount)
  }

  /** The pieces from `firstPiece` to `endPiece`, exclusive, are being sent. */
  begin (firstPiece: number, endPiece: number): void {
    for (let piece = firstPiece; piece < endPiece; piece++) {
      this.#streams[piece] = (this.#streams[piece] ?? 0) + 1
      this.#onTheWay.add(piece)
    }
  }

  /** What was begun has ended; those before `sentPiece` went out whole. */
  end (firstPiece: number, endPiece: number, sentPiece: number, nowMs: number): void {
    this.#forget(nowMs)
    this.#lately.addRange(firstPiece, Math.min(sentPiece, endPiece))
    for (let piece = firstPiece; piece < endPiece; piece++) {
      const streams = (this.#streams[piece] ?? 0) - 1
      this.#streams[piece] = streams
      if (streams === 0) this.#onTheWay.delete(piece)
    }
  }

  at (nowMs: number): PieceSet {
    this.#forget(nowMs)
    const sent = new PieceSet(this.#onTheWay.pieceCount)
    for (const set of [this.#onTheWay, this.#lately, this.#before]) sent.addAll(set)
    return sent
  }

  #forget (nowMs: number): void {
    const ageMs = nowMs - this.#sinceMs
    if (ageMs < COUNTS_MS) return
    const { pieceCount } = this.#onTheWay
    this.#before = ageMs < 2 * COUNTS_MS ? this.#lately : new PieceSet(pieceCount)
    this.#lately = new PieceSet(pieceCount)
    this.#sinceMs = nowMs
  }
}

/** Of several contents, by digest; only of those that were asked for last. */
export class SentLately {
  readonly #contents = new Map<string, SentPieces>()

  /** Ranges are being sent, one after the other. @returns to be told, once that has ended, how many bytes of them went out */
  begin (digest: string, layout: Layout, ranges: readonly ByteRange[]): (sentBytes: number, nowMs: number) => void {
    const sent = this.#contents.get(digest) ?? new SentPieces(layout.pieceCount)
    // The one that was asked for longest ago is the first to be forgotten.
    this.#contents.delete(digest)
    this.#contents.set(digest, sent)
    const [oldest] = this.#contents.keys()
    if (this.#contents.size > CONTENTS_SENT_LATELY && oldest !== undefined) this.#contents.delete(oldest)
    for (const range of ranges) {
      const { firstPiece, endPiece } = piecesOf(layout, range)
      sent.begin(firstPiece, endPiece)
    }
    return (sentBytes, nowMs) => {
      for (const range of ranges) {
        const { firstPiece, endPiece } = piecesOf(layout, range)
        // The piece that has the next byte is not out yet.
        const sentPiece = Math.max(firstPiece, layout.pieceAt(Math.min(range.start + sentBytes, range.end)))
        sent.end(firstPiece, endPiece, sentPiece, nowMs)
        sentBytes = Math.max(0, sentBytes - (range.end - range.start))
      }
    }
  }

  /** @returns undefined where nothing of it was sent */
  at (digest: string, nowMs: number): PieceSet | undefined {
    return this.#contents.get(digest)?.at(nowMs)
  }
}
