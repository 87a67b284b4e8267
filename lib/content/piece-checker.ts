/** Checks bytes against the digests of their pieces as they pass, without keeping them. */
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { bytesOfPieces, PIECE_DIGEST_BYTES, type Content } from '../protocol/content.js'
import type { PieceList } from './digest.js'

export class PieceChecker {
  readonly #content: Pick<Content, 'size' | 'pieceLength'>
  readonly #pieces: PieceList
  readonly #firstPiece: number
  readonly #hasher = new Blake3Hasher()
  #piece: number
  #leftInPiece: number

  /** @param pieces the digests from `firstPiece` on, as many as will be checked. */
  constructor (content: Pick<Content, 'size' | 'pieceLength'>, pieces: PieceList, firstPiece: number) {
    this.#content = content
    this.#pieces = pieces
    this.#firstPiece = firstPiece
    this.#piece = firstPiece
    this.#leftInPiece = this.#bytesOf(firstPiece)
  }

  /** The first piece that is not known to be good yet. */
  get piece (): number {
    return this.#piece
  }

  /** How many bytes the piece that passes still wants. */
  get leftInPiece (): number {
    return this.#leftInPiece
  }

  /**
   * Takes the next bytes, no more than `leftInPiece`.
   *
   * @returns 'more' within a piece; at its end whether it is 'good' or 'bad'.
   */
  take (bytes: Buffer): 'more' | 'good' | 'bad' {
    this.#hasher.update(bytes)
    this.#leftInPiece -= bytes.length
    if (this.#leftInPiece > 0) return 'more'
    const at = (this.#piece - this.#firstPiece) * PIECE_DIGEST_BYTES
    const isGood = this.#hasher.digestBuffer().equals(this.#pieces.subarray(at, at + PIECE_DIGEST_BYTES))
    if (!isGood) return 'bad'
    this.#hasher.reset()
    this.#piece++
    this.#leftInPiece = this.#bytesOf(this.#piece)
    return 'good'
  }

  #bytesOf (piece: number): number {
    const { start, end } = bytesOfPieces(this.#content, piece, piece + 1)
    return end - start
  }
}
