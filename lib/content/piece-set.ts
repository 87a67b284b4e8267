/**
 * Which pieces of a content somebody has: one bit a piece.
 *
 * In words of 32 bits rather than bytes, for a schedule compares many sets many times; the first
 * piece is the highest bit of the first word, so the words, big-endian, are the bytes of the wire.
 */

import type { PieceRange } from './run.js'

const WORD_BITS = 32
const HIGHEST_BIT = 0x80000000

export class PieceSet {
  /** Pieces that it could have. */
  readonly pieceCount: number
  /** `ceil(pieceCount / 32)` words; bits beyond the last piece are 0. To be read only: `size` has to agree. */
  readonly words: Uint32Array
  #size = 0

  constructor (pieceCount: number) {
    this.pieceCount = pieceCount
    this.words = new Uint32Array(Math.ceil(pieceCount / WORD_BITS))
  }

  /** From the wire: the first piece is the highest bit of the first byte; bytes that are not there are 0, bits beyond the last piece are ignored. */
  static fromBytes (bytes: Uint8Array, pieceCount: number): PieceSet {
    const set = new PieceSet(pieceCount)
    const whole = Buffer.alloc(set.words.length * 4)
    whole.set(bytes.subarray(0, whole.length))
    for (let at = 0; at < set.words.length; at++) set.#setWord(at, whole.readUInt32BE(at * 4) & wordMask(at, 0, pieceCount))
    return set
  }

  /** For the wire: `ceil(pieceCount / 8)` bytes. */
  toBytes (): Buffer {
    const bytes = Buffer.alloc(this.words.length * 4)
    for (let at = 0; at < this.words.length; at++) bytes.writeUInt32BE(this.words[at] ?? 0, at * 4)
    return bytes.subarray(0, Math.ceil(this.pieceCount / 8))
  }

  /** Pieces that it has. */
  get size (): number {
    return this.#size
  }

  has (piece: number): boolean {
    return ((this.words[piece >>> 5] ?? 0) & (HIGHEST_BIT >>> (piece & 31))) !== 0
  }

  add (piece: number): void {
    if (piece >= this.pieceCount || this.has(piece)) return
    const at = piece >>> 5
    this.words[at] = (this.words[at] ?? 0) | (HIGHEST_BIT >>> (piece & 31))
    this.#size++
  }

  /** The pieces from `firstPiece` to `endPiece`, exclusive. */
  addRange (firstPiece: number, endPiece: number): void {
    const end = Math.min(endPiece, this.pieceCount)
    for (let at = firstPiece >>> 5; at * WORD_BITS < end; at++) this.#setWord(at, (this.words[at] ?? 0) | wordMask(at, firstPiece, end))
  }

  /** The pieces from `firstPiece` to `endPiece`, exclusive. */
  deleteRange (firstPiece: number, endPiece: number): void {
    const end = Math.min(endPiece, this.pieceCount)
    for (let at = firstPiece >>> 5; at * WORD_BITS < end; at++) this.#setWord(at, (this.words[at] ?? 0) & ~wordMask(at, firstPiece, end))
  }

  delete (piece: number): void {
    if (!this.has(piece)) return
    const at = piece >>> 5
    this.words[at] = (this.words[at] ?? 0) & ~(HIGHEST_BIT >>> (piece & 31))
    this.#size--
  }

  /** Adds what `other` has, of the same number of pieces. */
  addAll (other: PieceSet): void {
    for (let at = 0; at < this.words.length; at++) this.#setWord(at, (this.words[at] ?? 0) | (other.words[at] ?? 0))
  }

  /** Becomes what `other` is, of the same number of pieces. */
  assign (other: PieceSet): void {
    this.words.set(other.words)
    this.#size = other.#size
  }

  /** The first piece at or after `piece` that it has, or `pieceCount`. */
  firstFrom (piece: number): number {
    return this.#firstBit(piece, 0)
  }

  /** The first piece at or after `piece` that it has not, or `pieceCount`. */
  firstGapFrom (piece: number): number {
    return this.#firstBit(piece, -1)
  }

  /** Adds the pieces of that word whose bits are set here, none of them beyond the last piece. */
  addWord (at: number, bits: number): void {
    this.#setWord(at, (this.words[at] ?? 0) | bits)
  }

  /** What it has, as runs of consecutive pieces. */
  * ranges (): Generator<PieceRange, void> {
    for (let firstPiece = this.firstFrom(0); firstPiece < this.pieceCount;) {
      const endPiece = this.firstGapFrom(firstPiece)
      yield { firstPiece, endPiece }
      firstPiece = this.firstFrom(endPiece)
    }
  }

  /** Pieces that both have. @param most so many or more are all the same */
  countCommon (other: PieceSet, most = Infinity): number {
    let common = 0
    for (let at = 0; at < this.words.length && common < most; at++) common += countBits((this.words[at] ?? 0) & (other.words[at] ?? 0))
    return common
  }

  #setWord (at: number, word: number): void {
    const before = this.words[at] ?? 0
    if (word === before) return
    this.words[at] = word
    this.#size += countBits(word) - countBits(before)
  }

  /** The first bit at or after `piece` that is set once the words are XORed with `mask`. */
  #firstBit (piece: number, mask: number): number {
    // Of the first word only the bits from the piece on count.
    let from = -1 >>> (piece & 31)
    for (let at = piece >>> 5; at < this.words.length; at++, from = -1) {
      const bits = ((this.words[at] ?? 0) ^ mask) & from
      if (bits !== 0) return Math.min(this.pieceCount, at * WORD_BITS + Math.clz32(bits))
    }
    return this.pieceCount
  }
}

/** The bits of that word that are of the pieces from `firstPiece` to `endPiece`, exclusive; one of them at least. */
function wordMask (at: number, firstPiece: number, endPiece: number): number {
  const first = firstPiece - at * WORD_BITS
  const end = endPiece - at * WORD_BITS
  return (first > 0 ? -1 >>> first : -1) & (end < WORD_BITS ? ~(-1 >>> end) : -1)
}

/** How many of the 32 bits are 1. */
function countBits (word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
