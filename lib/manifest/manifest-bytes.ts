/**
 * The bytes of a manifest from any place on, made as they are asked for: kept, they would be as much
 * memory again as the manifest itself.
 */
import { setImmediate as othersTurn } from 'node:timers/promises'
import { KiB } from '../protocol/units.js'
import { entryLine, headLine } from './entry.js'
import type { Manifest } from './manifest.js'

/** What is made at a time, in some milliseconds. */
const CHUNK_BYTES = 256 * KiB
/** The line before all entries. */
const HEAD = -1

/** Where a chunk begins: in the line of an entry, so many bytes behind its beginning. */
interface Mark {
  entry: number
  skipped: number
}

export class ManifestBytes {
  readonly #manifest: Manifest
  /** Of all chunks up to the one that was made last, and of the next one. */
  readonly #marks: Mark[] = [{ entry: HEAD, skipped: 0 }]
  /** The one that was made last: whoever reads on mostly reads on there. The next is written over it, for the garbage collector is late for buffers. */
  #chunk = { number: -1, bytes: Buffer.alloc(0) }
  #buffer: Buffer<ArrayBuffer> | undefined

  constructor (manifest: Manifest) {
    this.#manifest = manifest
  }

  /** @returns how many bytes were read, 0 at the end */
  async read (into: Buffer, length: number, position: number): Promise<number> {
    const number = Math.floor(position / CHUNK_BYTES)
    // Whoever begins at the end is the first to learn where that is.
    while (this.#marks.length <= number) {
      const last = this.#marks.length - 1
      this.#make(last)
      if (this.#marks.length === last + 1) return 0
      await othersTurn()
    }
    if (this.#chunk.number !== number) this.#make(number)
    const at = position - number * CHUNK_BYTES
    return this.#chunk.bytes.copy(into, 0, at, Math.min(this.#chunk.bytes.length, at + length))
  }

  #make (number: number): void {
    let { entry, skipped } = this.#marks[number] ?? { entry: this.#manifest.entryCount, skipped: 0 }
    const bytes = this.#buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)
    let filled = 0
    while (entry < this.#manifest.entryCount) {
      const line = Buffer.from(`${this.#line(entry)}\n`)
      const copied = line.copy(bytes, filled, skipped)
      filled += copied
      if (skipped + copied < line.length) {
        skipped += copied
        break
      }
      skipped = 0
      entry++
    }
    if (filled === CHUNK_BYTES && this.#marks.length === number + 1) this.#marks.push({ entry, skipped })
    this.#chunk = { number, bytes: bytes.subarray(0, filled) }
  }

  #line (entry: number): string {
    return entry === HEAD ? headLine(this.#manifest.head) : entryLine(this.#manifest.entry(entry))
  }
}
