/** Several ranges in one answer: `multipart/byteranges` (RFC 9110, 14.6). */
import { randomBytes } from 'node:crypto'
import type { ByteRange } from '../protocol/content.js'

export class Multipart {
  readonly #size: number
  readonly #partType: string
  readonly #boundary = randomBytes(16).toString('hex')

  /** @param partType the type of the whole */
  constructor (size: number, partType: string) {
    this.#size = size
    this.#partType = partType
  }

  get type (): string {
    return `multipart/byteranges; boundary=${this.#boundary}`
  }

  before ({ start, end }: ByteRange): string {
    return `\r\n--${this.#boundary}\r\nContent-Type: ${this.#partType}\r\nContent-Range: bytes ${start}-${end - 1}/${this.#size}\r\n\r\n`
  }

  get end (): string {
    return `\r\n--${this.#boundary}--\r\n`
  }

  bytesFor (ranges: readonly ByteRange[]): number {
    return ranges.reduce((bytes, range) => bytes + this.before(range).length + range.end - range.start, this.end.length)
  }
}
