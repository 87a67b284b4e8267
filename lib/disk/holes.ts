/**
 * Where a file has holes, without reading them into the page cache: that took a hundred times as long
 * as to look, and put out of memory what others need there.
 *
 * Node can't ask a file for its holes. But a direct read of a hole asks no disk, so it succeeds at any
 * address in memory; a direct read of data into an odd one mostly fails at once. Whatever it gives are
 * the bytes of the file, and only zeros count. Where files can't be read so, they are read as usual.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isZeros } from '../content/zeros.js'
import { KiB } from '../protocol/units.js'
import { BLOCK_BYTES } from './has-holes.js'

const LOOK_BYTES = 256 * KiB

/** Not on every platform. */
const { O_RDONLY, O_DIRECT = 0 }: { O_RDONLY: number, O_DIRECT?: number } = constants

let memory: Buffer | undefined

export class Holes {
  readonly #fd: number
  /** For direct reads; undefined where there are none. */
  readonly #directFd: number | undefined

  /** Of an open file; undefined if it has none. The caller closes it before the file. */
  static of (fd: number): Holes | undefined {
    const { size, blocks } = fstatSync(fd)
    return blocks * BLOCK_BYTES < size ? new Holes(fd) : undefined
  }

  private constructor (fd: number) {
    this.#fd = fd
    this.#directFd = openDirect(fd)
  }

  /** Whether these bytes are a hole. One that reads as zeros and is none may count, too. */
  has (start: number, end: number): boolean {
    // Buffers begin at an even address.
    memory ??= Buffer.allocUnsafeSlow(1 + LOOK_BYTES)
    for (let at = start; at < end;) {
      const bytesRead = this.#read(memory, Math.min(LOOK_BYTES, end - at), at)
      if (bytesRead === 0 || !isZeros(memory, 1, 1 + bytesRead)) return false
      at += bytesRead
    }
    return true
  }

  close (): void {
    if (this.#directFd !== undefined) closeSync(this.#directFd)
  }

  /** @returns 0 also of what can't be read so: whoever reads it the usual way learns why. */
  #read (into: Buffer, length: number, position: number): number {
    try {
      return readSync(this.#directFd ?? this.#fd, into, 1, length, position)
    } catch {
      return 0
    }
  }
}

/** The same file once more, for a descriptor is either direct or not. */
function openDirect (fd: number): number | undefined {
  if (O_DIRECT === 0) return undefined
  try {
    return openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_DIRECT)
  } catch {
    return undefined
  }
}
