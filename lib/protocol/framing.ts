/**
 * Bytes to messages. `LineBound` bounds and checks lines as bytes, before anything decodes them, and
 * gives only whole ones. So a line of 1 GiB costs 64 KiB, bad UTF-8 is seen while it is still there, and
 * a line without its end is never taken for whole. Who asks has few connections and cuts the lines apart
 * as a stream, with split2; who serves has thousands, and a stream costs each of them 10 KiB.
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
  return split2(/\r?\n/, (text: string): Line | undefined => {
    if (isOver) return undefined
    const line = toLine(text)
    isOver = line.fault !== undefined
    return line
  })
}

function toLine (text: string): Line {
  try {
    return { value: decodeLine(text) }
  } catch (error) {
    return { fault: toPiecemealError(error) }
  }
}

/** Lets the bytes of whole lines through, up to the first that breaks a bound. */
export class LineGuard extends Transform {
  readonly #bound: LineBound

  constructor (maxLineBytes: number) {
    super()
    this.#bound = new LineBound(maxLineBytes)
  }

  /** Why the stream ended before its time; good lines before the bad one went through. */
  get fault (): PiecemealError | undefined {
    return this.#bound.fault
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.fault !== undefined) return done()
    for (const lines of this.#bound.take(chunk)) this.push(lines)
    if (this.#bound.fault !== undefined) this.push(null)
    done()
  }
}

/** Takes no more once there is a fault. */
export class LineBound {
  /** What is wrong with the line after those that were given. */
  fault: PiecemealError | undefined
  /** When the line that is not whole yet began (`performance.now()`), if there is one. */
  lineBegunMs: number | undefined
  readonly #maxLineBytes: number
  /** The line that has begun, in the chunks it came in. */
  #tail: Buffer[] = []
  #tailBytes = 0

  constructor (maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** The lines that are whole now, as messages, up to the first bad one. */
  linesOf (chunk: Buffer): Line[] {
    const lines: Line[] = []
    for (const bytes of this.take(chunk)) {
      // The last newline ends the last line; a carriage return before one is white space to JSON.
      for (const text of bytes.toString('utf8', 0, bytes.length - 1).split('\n')) {
        const line = toLine(text)
        lines.push(line)
        if (line.fault === undefined) continue
        this.#fail(line.fault)
        return lines
      }
    }
    if (this.fault !== undefined) lines.push({ fault: this.fault })
    return lines
  }

  /** Their bytes, each with its newline, one or several at a time. */
  take (chunk: Buffer): Buffer[] {
    if (this.#tailBytes === 0 && beginsHandshake(chunk)) {
      this.#fail(wantsNoTls())
      return []
    }
    const last = chunk.lastIndexOf(NEWLINE)
    let whole: Buffer[] = []
    if (last >= 0) {
      whole = this.#whole(Buffer.concat([...this.#tail, chunk.subarray(0, last + 1)]))
      this.#forgetTail()
    }
    if (this.fault === undefined) this.#keep(chunk.subarray(last + 1))
    return whole
  }

  /** All of them at once where all are good, which is nearly always; else up to the bad one. */
  #whole (lines: Buffer): Buffer[] {
    if (lines.length <= this.#maxLineBytes && isUtf8(lines)) return [lines]
    const good: Buffer[] = []
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(NEWLINE, start)
      const line = lines.subarray(start, end + 1)
      if (end - start > this.#maxLineBytes) this.#fail(tooLong(this.#maxLineBytes))
      else if (!isUtf8(line)) this.#fail(new PiecemealError('E_PROTOCOL', 'a line is not UTF-8'))
      if (this.fault !== undefined) break
      good.push(line)
      start = end + 1
    }
    return good
  }

  #keep (rest: Buffer): void {
    if (rest.length === 0) return
    this.lineBegunMs ??= performance.now()
    this.#tail.push(rest)
    this.#tailBytes += rest.length
    if (this.#tailBytes > this.#maxLineBytes) return this.#fail(tooLong(this.#maxLineBytes))
    if (this.#tail.length > MAX_TAIL_CHUNKS) this.#tail = [Buffer.concat(this.#tail)]
  }

  #fail (fault: PiecemealError): void {
    this.fault = fault
    this.#forgetTail()
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
