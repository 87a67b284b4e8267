import type { Socket } from 'node:net'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES, REQUEST_LINE_BYTES } from '../protocol/limits.js'
import { beginsHandshake, wantsNoTls } from '../protocol/tls-record.js'
import { inSeconds } from '../protocol/units.js'
import { throwAway } from './linger.js'

const NEWLINE = 0x0a
/** A line that drips in byte by byte is not kept as 65,536 buffers. */
const MAX_TAIL_CHUNKS = 64

export interface LineReaderOptions {
  /** @default 65536 */
  maxLineBytes?: number
  /** How many may have come before they are asked for. @default 1 */
  maxLines?: number
}

/** The lines of a connection, one after the other as they are asked for; those that come meanwhile wait. */
export class LineReader {
  readonly #socket: Socket
  readonly #maxLineBytes: number
  readonly #maxLines: number
  readonly #lines: Buffer[] = []
  #waitingBytes = 0
  /** The line that has begun, in the chunks it came in. */
  #tail: Buffer[] = []
  #tailBytes = 0
  #isFirst = true
  /** Why there are no more lines than have come. */
  #fault: PiecemealError | undefined
  #wake: () => void = () => {}
  readonly #take = (chunk: Buffer): void => this.#takeChunk(chunk)
  readonly #lose = (): void => this.#fail(new PiecemealError('E_NETWORK', 'the connection ended before the request did'))

  constructor (socket: Socket, { maxLineBytes = REQUEST_LINE_BYTES, maxLines = 1 }: LineReaderOptions = {}) {
    this.#socket = socket
    this.#maxLineBytes = maxLineBytes
    this.#maxLines = maxLines
    socket.on('data', this.#take).once('end', this.#lose).once('close', this.#lose)
  }

  /** Whether one is there already. */
  get hasNext (): boolean {
    return this.#lines.length > 0
  }

  /**
   * The next line, without its newline.
   *
   * @throws E_LIMIT if it is too long, or one of too many; E_TIMEOUT if it does not come, E_NETWORK if the connection ends first; E_AUTH if the peer begins TLS.
   */
  async next (timeoutMs: number = DEADLINES.firstLineMs): Promise<Buffer> {
    if (!this.hasNext && this.#fault === undefined) {
      const timer = setTimeout(() => this.#fail(new PiecemealError('E_TIMEOUT', `no request within ${inSeconds(timeoutMs)}`)), timeoutMs)
      await new Promise<void>((resolve) => { this.#wake = resolve })
      clearTimeout(timer)
    }
    const line = this.#lines.shift()
    if (line === undefined) throw this.#fault ?? new Error('woken for nothing')
    this.#waitingBytes -= line.length
    if (this.#socket.isPaused()) this.#socket.resume()
    return line
  }

  /** Whatever else the peer sends is thrown away, so that its end is seen; one that sends on and on is cut off. */
  close (): void {
    this.#socket.off('data', this.#take).off('end', this.#lose).off('close', this.#lose)
    throwAway(this.#socket)
  }

  #takeChunk (chunk: Buffer): void {
    if (this.#isFirst && beginsHandshake(chunk)) return this.#fail(wantsNoTls())
    this.#isFirst = false
    for (let start = 0; start < chunk.length && this.#fault === undefined;) {
      const newline = chunk.indexOf(NEWLINE, start)
      this.#addToTail(chunk.subarray(start, newline < 0 ? chunk.length : newline))
      if (newline >= 0) this.#endLine()
      start = newline < 0 ? chunk.length : newline + 1
    }
    // As many as may wait could be long ones all.
    if (this.#waitingBytes > this.#maxLineBytes) this.#socket.pause()
  }

  #addToTail (bytes: Buffer): void {
    this.#tail.push(bytes)
    this.#tailBytes += bytes.length
    if (this.#tailBytes > this.#maxLineBytes) return this.#fail(new PiecemealError('E_LIMIT', `the request is longer than ${this.#maxLineBytes} bytes`))
    if (this.#tail.length > MAX_TAIL_CHUNKS) this.#tail = [Buffer.concat(this.#tail)]
  }

  #endLine (): void {
    if (this.#fault !== undefined) return
    if (this.#lines.length === this.#maxLines) return this.#fail(new PiecemealError('E_LIMIT', `more than ${this.#maxLines} requests wait for their answers`))
    this.#lines.push(Buffer.concat(this.#tail))
    this.#waitingBytes += this.#tailBytes
    this.#tail = []
    this.#tailBytes = 0
    this.#wake()
  }

  #fail (fault: PiecemealError): void {
    this.#fault ??= fault
    this.#tail = []
    this.#tailBytes = 0
    this.close()
    this.#wake()
  }
}
