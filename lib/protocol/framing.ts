/**
 * Bytes to messages. `LineGuard` bounds and checks lines as bytes, before anything decodes them,
 * and lets only whole ones through; split2 then cuts them apart. So a line of 1 GiB costs 64 KiB,
 * bad UTF-8 is seen while it is still there, and a line without its end is never taken for whole.
 */
import { isUtf8 } from 'node:buffer'
import { Transform, type TransformCallback } from 'node:stream'
import split2 from 'split2'
import { PiecemealError, toPiecemealError } from './errors.js'
import { decodeLine } from './line.js'
import { beginsHandshake, wantsNoTls } from './tls-record.js'

const NEWLINE = 0x0a
/** A line that drips in byte by byte is not kept as 65,536 buffers. */
const MAX_TAIL_CHUNKS = 64

/** One line: a message, or why it is none. */
export type Line = { value: Record<string, unknown>, fault?: undefined } | { value?: undefined, fault: PiecemealError }

/** A stream that takes bytes and gives `Line`s, up to the first bad one: what comes after it costs nothing more. */
export function splitLines (): Transform {
  let isOver = false
  return split2(/\r?\n/, (line: string): Line | undefined => {
    if (isOver) return undefined
    try {
      return { value: decodeLine(line) }
    } catch (error) {
      isOver = true
      return { fault: toPiecemealError(error) }
    }
  })
}

export class LineGuard extends Transform {
  /** Why the stream ended before its time; good lines before the bad one went through. */
  fault: PiecemealError | undefined
  /** When the line that is not whole yet began (`performance.now()`), if there is one. */
  lineBegunMs: number | undefined
  readonly #maxLineBytes: number
  /** The line that has begun, in the chunks it came in. */
  #tail: Buffer[] = []
  #tailBytes = 0

  constructor (maxLineBytes: number) {
    super()
    this.#maxLineBytes = maxLineBytes
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.fault === undefined) this.#take(chunk)
    done()
  }

  #take (chunk: Buffer): void {
    if (this.#tailBytes === 0 && beginsHandshake(chunk)) return this.#fail(wantsNoTls())
    const last = chunk.lastIndexOf(NEWLINE)
    if (last >= 0) {
      this.#passLines(Buffer.concat([...this.#tail, chunk.subarray(0, last + 1)]))
      this.#forgetTail()
    }
    const rest = chunk.subarray(last + 1)
    if (rest.length === 0 || this.fault !== undefined) return
    this.lineBegunMs ??= performance.now()
    this.#tail.push(rest)
    this.#tailBytes += rest.length
    if (this.#tailBytes > this.#maxLineBytes) return this.#fail(tooLong(this.#maxLineBytes))
    if (this.#tail.length > MAX_TAIL_CHUNKS) this.#tail = [Buffer.concat(this.#tail)]
  }

  /** Whole lines at once where all are good, which is nearly always; else up to the bad one. */
  #passLines (lines: Buffer): void {
    if (lines.length <= this.#maxLineBytes && isUtf8(lines)) {
      this.push(lines)
      return
    }
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(NEWLINE, start)
      const line = lines.subarray(start, end + 1)
      if (end - start > this.#maxLineBytes) return this.#fail(tooLong(this.#maxLineBytes))
      if (!isUtf8(line)) return this.#fail(new PiecemealError('E_PROTOCOL', 'a line is not UTF-8'))
      this.push(line)
      start = end + 1
    }
  }

  #fail (fault: PiecemealError): void {
    this.fault = fault
    this.#forgetTail()
    this.push(null)
  }

  #forgetTail (): void {
    this.#tail = []
    this.#tailBytes = 0
    this.lineBegunMs = undefined
  }
}

function tooLong (maxLineBytes: number): PiecemealError {
  return new PiecemealError('E_LIMIT', `a line is longer than ${maxLineBytes} bytes`)
}
