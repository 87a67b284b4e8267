/** Checks bytes against the digests of their pieces as they pass, without keeping them. */
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { PIECE_DIGEST_BYTES, type Content } from '../protocol/content.js'
import { contentDigest, type PieceList } from './digest.js'
import { FileLayout, type Layout } from './layout.js'

export class PieceChecker {
  readonly #content: Content
  readonly #layout: Layout
  readonly #pieces: PieceList | undefined
  readonly #firstPiece: number
  readonly #hasher = new Blake3Hasher()
  #piece: number
  #leftInPiece: number
  #digest: Buffer | undefined

  /**
   * @param pieces the digests from `firstPiece` on, as many as will be checked; none for the only piece of a content
   * @param layout of those pieces at least, @default a file's
   */
  constructor (content: Content, pieces: PieceList | undefined, firstPiece: number, layout: Layout = new FileLayout(content.size, content.pieceLength)) {
    this.#content = content
    this.#layout = layout
    this.#pieces = pieces
    this.#firstPiece = firstPiece
    this.#piece = firstPiece
    this.#leftInPiece = this.#bytesOf(firstPiece)
  }

  /** The first piece that is not known to be good yet. */
  get piece (): number {
    return this.#piece
  }

  /** The digest of the last piece that has passed. */
  get digest (): Buffer | undefined {
    return this.#digest
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
    this.#digest = this.#hasher.digestBuffer()
    if (!this.#isRight(this.#digest)) return 'bad'
    this.#hasher.reset()
    this.#piece++
    this.#leftInPiece = this.#bytesOf(this.#piece)
    return 'good'
  }

  #isRight (digest: Buffer): boolean {
    const { size, pieceLength } = this.#content
    if (this.#pieces === undefined) return contentDigest(size, pieceLength, digest) === this.#content.digest
    const at = (this.#piece - this.#firstPiece) * PIECE_DIGEST_BYTES
    return digest.equals(this.#pieces.subarray(at, at + PIECE_DIGEST_BYTES))
  }

  #bytesOf (piece: number): number {
    return this.#layout.offsetOf(piece + 1) - this.#layout.offsetOf(piece)
  }
}
