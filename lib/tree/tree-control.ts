/** What two threads see of the work on a tree: how far it has come, and whether it is still wanted. */
import { PiecemealError } from '../protocol/errors.js'

const IS_CANCELLED = 0
const ENTRIES = 1
const BYTES = 2
const FIELDS = 3

export class TreeControl {
  readonly buffer: SharedArrayBuffer
  readonly #fields: BigInt64Array

  /** @param buffer of another thread's */
  constructor (buffer = new SharedArrayBuffer(FIELDS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#fields = new BigInt64Array(buffer)
  }

  /** Files, links and folders that are done, in all tasks that share it. */
  get entries (): number {
    return Number(Atomics.load(this.#fields, ENTRIES))
  }

  /** Bytes of files that are done. */
  get bytes (): number {
    return Number(Atomics.load(this.#fields, BYTES))
  }

  reach (entries: number, bytes = 0): void {
    Atomics.add(this.#fields, ENTRIES, BigInt(entries))
    Atomics.add(this.#fields, BYTES, BigInt(bytes))
  }

  cancel (): void {
    Atomics.store(this.#fields, IS_CANCELLED, 1n)
  }

  /** Between two entries. @throws E_INTERRUPTED once it is cancelled. */
  goOn (): void {
    if (Atomics.load(this.#fields, IS_CANCELLED) === 1n) throw new PiecemealError('E_INTERRUPTED', 'the work on the folder was stopped')
  }
}
