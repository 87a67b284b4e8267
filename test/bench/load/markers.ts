/** Counts a marker, one at the beginning or end of each answer, in what a stream brings, however it is cut. */
export class Markers {
  readonly #marker: Buffer
  /** The end of what came before, too short for a whole marker. */
  #rest = Buffer.alloc(0)

  constructor (marker: string) {
    this.#marker = Buffer.from(marker, 'latin1')
  }

  /** How many of them `chunk` completes. */
  count (chunk: Buffer): number {
    const { length } = this.#marker
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let found = 0
    let end = 0
    for (let at = bytes.indexOf(this.#marker); at >= 0; at = bytes.indexOf(this.#marker, end)) {
      found++
      end = at + length
    }
    // A copy: the stream may use its memory again.
    this.#rest = Buffer.from(bytes.subarray(Math.max(end, bytes.length - length + 1)))
    return found
  }
}
