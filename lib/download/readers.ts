/** Those who read a content while it is fetched: what each of them waits for comes first. */
import type { PieceRange } from '../content/run.js'

export class Readers {
  /** By reader: the piece that it is at, up to where it reads. */
  readonly #ranges = new Map<object, PieceRange>()
  #tell: () => void = () => {}

  get ranges (): PieceRange[] {
    return [...this.#ranges.values()]
  }

  /** For the one download that brings it. */
  onChange (tell: () => void): void {
    this.#tell = tell
  }

  reads (reader: object, range: PieceRange): void {
    const before = this.#ranges.get(reader)
    if (before?.firstPiece === range.firstPiece && before.endPiece === range.endPiece) return
    this.#ranges.set(reader, range)
    this.#tell()
  }

  /** It waits for nothing any more. */
  leaves (reader: object): void {
    if (this.#ranges.delete(reader)) this.#tell()
  }
}
