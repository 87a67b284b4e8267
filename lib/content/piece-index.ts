/** Which of some pieces have a digest: a table in two arrays, since there may be a million of them. */
import { randomInt } from 'node:crypto'
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'
import type { PieceList } from './digest.js'
import type { PieceSet } from './piece-set.js'

const WORDS = PIECE_DIGEST_BYTES / 4

export class PieceIndex {
  readonly #pieces: PieceList
  /** Slot → a piece and 1, or 0; the first piece of each digest alone. */
  readonly #slots: Uint32Array
  /** Piece → the next one with the same digest and 1, or 0. */
  readonly #same: Uint32Array
  readonly #shift: number
  /** Whoever makes up digests does not know which of them meet in a slot. */
  readonly #factors = Uint32Array.from({ length: WORDS }, () => randomInt(2 ** 32) | 1)

  /** @param pieces the digests of all; `some` of them are to be found */
  constructor (pieces: PieceList, some: PieceSet) {
    const bits = Math.max(4, Math.ceil(Math.log2(2 * some.size + 1)))
    this.#pieces = pieces
    this.#slots = new Uint32Array(2 ** bits)
    this.#same = new Uint32Array(some.pieceCount)
    this.#shift = 32 - bits
    for (let piece = some.firstFrom(0); piece < some.pieceCount; piece = some.firstFrom(piece + 1)) this.#add(piece)
  }

  /** The pieces that have the digest that stands there. */
  * find (digests: Buffer, at: number): Generator<number, void> {
    for (let next = this.#slots[this.#slotOf(digests, at)] ?? 0; next > 0; next = this.#same[next - 1] ?? 0) yield next - 1
  }

  #add (piece: number): void {
    const slot = this.#slotOf(this.#pieces, piece * PIECE_DIGEST_BYTES)
    const first = this.#slots[slot] ?? 0
    if (first === 0) {
      this.#slots[slot] = piece + 1
      return
    }
    this.#same[piece] = this.#same[first - 1] ?? 0
    this.#same[first - 1] = piece + 1
  }

  /** The one that has it, or is free for it. */
  #slotOf (digests: Buffer, at: number): number {
    let slot = this.#hash(digests, at)
    for (let piece = 0; (piece = this.#slots[slot] ?? 0) > 0; slot = (slot + 1) % this.#slots.length) {
      const there = (piece - 1) * PIECE_DIGEST_BYTES
      if (this.#pieces.compare(digests, at, at + PIECE_DIGEST_BYTES, there, there + PIECE_DIGEST_BYTES) === 0) break
    }
    return slot
  }

  #hash (digests: Buffer, at: number): number {
    let sum = 0
    for (let word = 0; word < WORDS; word++) sum = (sum + Math.imul(digests.readUInt32LE(at + 4 * word), this.#factors[word] ?? 0)) | 0
    return sum >>> this.#shift
  }
}
