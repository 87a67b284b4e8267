/** A file that is written and read from front to end, and counts only if all of it is as it was written. */
import { closeSync, readSync } from 'node:fs'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { writeFullySync } from '../disk/write-fully.js'
import { MiB } from '../protocol/units.js'

const CHECKSUM_BYTES = 32

/** Bytes one after the other, and at their end the checksum of all. */
export class CheckedWriter {
  readonly #fd: number
  readonly #hasher = new Blake3Hasher()
  readonly #buffer = Buffer.allocUnsafeSlow(MiB)
  #filled = 0
  #written = 0

  constructor (fd: number) {
    this.#fd = fd
  }

  write (bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#buffer, this.#filled, at)
      this.#filled += copied
      at += copied
      if (this.#filled === this.#buffer.length) this.#flush()
    }
  }

  end (): void {
    this.#flush()
    writeFullySync(this.#fd, this.#hasher.digestBuffer(), this.#written)
  }

  #flush (): void {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#hasher.update(bytes)
    writeFullySync(this.#fd, bytes, this.#written)
    this.#written += bytes.length
    this.#filled = 0
  }
}

/** What a `CheckedWriter` wrote, from front to end. */
export class CheckedReader {
  readonly #fd: number
  readonly #hasher = new Blake3Hasher()
  #buffer = Buffer.allocUnsafeSlow(MiB)
  #at = 0
  #end = 0
  /** What is before it in the buffer is in the checksum. */
  #hashed = 0

  constructor (fd: number) {
    this.#fd = fd
  }

  /** Good until the next call. @throws where there are fewer bytes */
  take (length: number): Buffer {
    if (this.#end - this.#at < length) this.#fill(length)
    const bytes = this.#buffer.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }

  /** Whether nothing but the checksum of all that was taken comes now. */
  isAtEnd (): boolean {
    this.#hash()
    const expected = this.#hasher.digestBuffer()
    return this.take(CHECKSUM_BYTES).equals(expected) && readSync(this.#fd, this.#buffer, 0, 1, null) === 0
  }

  close (): void {
    closeSync(this.#fd)
  }

  #hash (): void {
    this.#hasher.update(this.#buffer.subarray(this.#hashed, this.#at))
    this.#hashed = this.#at
  }

  #fill (length: number): void {
    this.#hash()
    this.#buffer.copyWithin(0, this.#at, this.#end)
    this.#end -= this.#at
    this.#at = this.#hashed = 0
    while (this.#end < length) {
      const bytesRead = readSync(this.#fd, this.#buffer, this.#end, this.#buffer.length - this.#end, null)
      if (bytesRead === 0) throw new Error('the tree file ends too early')
      this.#end += bytesRead
    }
  }
}
