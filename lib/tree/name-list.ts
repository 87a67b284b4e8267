/** The names in one folder of a disk, as bytes and in the order of a manifest. */
import { opendirSync } from 'node:fs'

const FIRST_NAMES = 64
const FIRST_BYTES = 2_048
/** Names that one call reads. */
const NAMES_AT_ONCE = 256

/** In few buffers: a folder may have a million. */
export class NameList {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  /** Name → where it begins; one more, for the end of the last. */
  #starts = new Uint32Array(FIRST_NAMES)
  #order = new Uint32Array(0)

  /** @throws what the system says: a list that is not whole is none. */
  static read (folder: string): NameList {
    const list = new NameList()
    let count = 0
    // Names need not be text: a character is a byte then. A Buffer each was memory that the garbage collector learns of late.
    const open = opendirSync(folder, { encoding: 'latin1', bufferSize: NAMES_AT_ONCE })
    try {
      for (let entry = open.readSync(); entry !== null; entry = open.readSync()) list.#append(count++, entry.name)
    } finally {
      open.closeSync()
    }
    list.#order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => list.#compare(a, b))
    return list
  }

  private constructor () {}

  get count (): number {
    return this.#order.length
  }

  /** Not to be written to. */
  name (index: number): Buffer {
    return this.#slice(this.#order[index] ?? 0)
  }

  #append (index: number, name: string): void {
    const start = this.#starts[index] ?? 0
    if (start + name.length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.allocUnsafe(this.#bytes.length + name.length)])
    if (index + 1 === this.#starts.length) {
      const larger = new Uint32Array(2 * this.#starts.length)
      larger.set(this.#starts)
      this.#starts = larger
    }
    this.#starts[index + 1] = start + this.#bytes.write(name, start, 'latin1')
  }

  #slice (index: number): Buffer {
    return this.#bytes.subarray(this.#starts[index] ?? 0, this.#starts[index + 1])
  }

  #compare (a: number, b: number): number {
    return this.#bytes.compare(this.#bytes, this.#starts[b] ?? 0, this.#starts[b + 1], this.#starts[a] ?? 0, this.#starts[a + 1])
  }
}
