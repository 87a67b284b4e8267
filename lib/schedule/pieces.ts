/**
 * What became of each piece: it is missing, in a running part, or done. When a part ends, for
 * whatever reason, its good pieces are done and the rest are missing again.
 */
import { PieceSet } from '../content/piece-set.js'
import type { Part } from './part.js'

export class Pieces {
  /** To be read only, and so is `done`. */
  readonly missing: PieceSet
  readonly done: PieceSet
  /** Those that run, by id. */
  readonly parts = new Map<number, Part>()
  #started = 0
  #returns = 0

  constructor (pieceCount: number) {
    this.done = new PieceSet(pieceCount)
    this.missing = new PieceSet(pieceCount)
    this.missing.addRange(0, pieceCount)
  }

  get pieceCount (): number {
    return this.done.pieceCount
  }

  get isDone (): boolean {
    return this.done.size === this.pieceCount
  }

  /** Parts that were started so far. */
  get started (): number {
    return this.#started
  }

  /** How often pieces that were in a part came to be missing again. */
  get returns (): number {
    return this.#returns
  }

  start ({ owner, firstPiece, endPiece, cutAt, isPatient }: Pick<Part, 'owner' | 'firstPiece' | 'endPiece' | 'cutAt' | 'isPatient'>, nowMs: number): Part {
    const part: Part = {
      id: this.#started++, owner, firstPiece, endPiece, cutAt, isPatient, verifiedPiece: firstPiece, receivedBytes: 0, lastByteMs: nowMs, lastPieceMs: nowMs, startedMs: nowMs,
    }
    this.parts.set(part.id, part)
    this.missing.deleteRange(firstPiece, endPiece)
    return part
  }

  /** Pieces of a part, or of an earlier run, are good. */
  setDone (firstPiece: number, endPiece: number): void {
    this.missing.deleteRange(firstPiece, endPiece)
    this.done.addRange(firstPiece, endPiece)
  }

  /** A part is to bring no more than the pieces before this one. */
  shorten (part: Part, endPiece: number): void {
    const plannedEnd = part.endPiece
    part.endPiece = endPiece
    this.#giveBack(endPiece, plannedEnd)
  }

  end (part: Part): void {
    this.parts.delete(part.id)
    this.#giveBack(part.verifiedPiece, part.endPiece)
  }

  /** What was handed out and has not come is missing again, unless another part brings it. */
  #giveBack (firstPiece: number, endPiece: number): void {
    for (let piece = firstPiece; piece < endPiece; piece++) {
      if (this.done.has(piece) || this.#isInRunningPart(piece)) continue
      this.missing.add(piece)
      this.#returns++
    }
  }

  #isInRunningPart (piece: number): boolean {
    for (const { firstPiece, endPiece } of this.parts.values()) if (piece >= firstPiece && piece < endPiece) return true
    return false
  }
}
