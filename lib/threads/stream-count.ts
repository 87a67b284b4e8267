/** How many streams two threads of a node send, so that both together keep within one limit. */
export class StreamCount {
  /** For the other thread. */
  readonly buffer: SharedArrayBuffer
  readonly #cells: Int32Array
  readonly #side: 0 | 1

  /** @param side which of the two; @param buffer the other's, if it is there already */
  constructor (side: 0 | 1, buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#cells = new Int32Array(buffer)
    this.#side = side
  }

  get own (): number {
    return Atomics.load(this.#cells, this.#side)
  }

  set own (streams: number) {
    Atomics.store(this.#cells, this.#side, streams)
  }

  get others (): number {
    return Atomics.load(this.#cells, 1 - this.#side)
  }
}
