import { isUtf8 } from 'node:buffer'
import { Transform, type TransformCallback } from 'node:stream'
import { PiecemealError } from '../protocol/errors.js'
import { REQUEST_LINE_BYTES } from '../protocol/limits.js'

const NEWLINE = 0x0a

/**
 * Bounds the lines of standard input: one that is too long is told about and skipped, whatever its
 * length, and the next one counts again. A last line without its newline is a line.
 */
export class CommandLines extends Transform {
  readonly #onFault: (fault: PiecemealError) => void
  #lineBytes = 0
  #isSkipping = false
  /** The line that has begun, as far as it has come. */
  #begun: Buffer[] = []

  constructor (onFault: (fault: PiecemealError) => void) {
    super()
    this.#onFault = onFault
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, start)
      const end = newline < 0 ? chunk.length : newline + 1
      this.#take(chunk.subarray(start, end))
      if (newline >= 0) this.#endLine()
      start = end
    }
    done()
  }

  override _flush (done: TransformCallback): void {
    this.#endLine()
    done()
  }

  #take (bytes: Buffer): void {
    if (this.#isSkipping) return
    this.#lineBytes += bytes.length
    this.#begun.push(bytes)
    if (this.#lineBytes <= REQUEST_LINE_BYTES) return
    this.#isSkipping = true
    this.#begun = []
    this.#onFault(new PiecemealError('E_USAGE', `a command is longer than ${REQUEST_LINE_BYTES} bytes`))
  }

  #endLine (): void {
    const line = Buffer.concat(this.#begun)
    // Decoded all the same, it would name another file.
    if (isUtf8(line)) this.push(line)
    else this.#onFault(new PiecemealError('E_USAGE', 'a command is not UTF-8'))
    this.#begun = []
    this.#lineBytes = 0
    this.#isSkipping = false
  }
}
