/**
 * The serving side of a control connection: lines in, one reply each, in order.
 *
 * A peer can't hold it open for nothing: there is a deadline for its first line, for each line it
 * begins, for the silence between lines, and for reading its replies. Lines are taken one after
 * the other, or a bounded number together, so a peer that does not read is not read from either.
 */
import type { Socket } from 'node:net'
import type { PiecemealError } from '../protocol/errors.js'
import { toPiecemealError } from '../protocol/errors.js'
import { LineBound, type Line } from '../protocol/framing.js'
import { DEADLINES, REQUEST_LINE_BYTES, type Deadlines } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { gatherWrites } from './gather-writes.js'
import { endGently } from './linger.js'

export interface LineService {
  /** The reply to a message, or its line as bytes where they are at hand. What it throws goes to `refuse`. */
  answer: (message: Record<string, unknown>) => object | Buffer | Promise<object | Buffer>
  /** What a message is about: those in a row that are about different things are answered together. Undefined for one that is answered alone. */
  about?: ((message: Record<string, unknown>) => string | undefined) | undefined
  /** The reply that carries an error; `message` where there was one. */
  refuse: (error: PiecemealError, message?: Record<string, unknown>) => object
}

export type LineDeadlines = Pick<Deadlines, 'firstLineMs' | 'messageMs' | 'presenceMs' | 'drainMs' | 'lingerMs'>

const CHECK_MS = 1_000
/** So many requests of one connection are answered together. */
const ANSWERED_TOGETHER = 64

interface Outcome {
  reply: object | Buffer
  endsConnection?: boolean
}

export function serveLines (socket: Socket, service: LineService, deadlines: Partial<LineDeadlines> = {}): void {
  new LineConnection(socket, service, { ...DEADLINES, ...deadlines }).start()
}

class LineConnection {
  readonly #socket: Socket
  readonly #service: LineService
  readonly #deadlines: LineDeadlines
  readonly #bound = new LineBound(REQUEST_LINE_BYTES)
  readonly #openedMs = performance.now()
  #lastLineMs: number | undefined
  #drainBegunMs: number | undefined
  #isAnswering = false
  /** All that was asked so far. */
  #answered: Promise<void> = Promise.resolve()
  #isEnded = false

  constructor (socket: Socket, service: LineService, deadlines: LineDeadlines) {
    this.#socket = socket
    this.#service = service
    this.#deadlines = deadlines
  }

  start (): void {
    const watch = setInterval(() => this.#destroyIfLate(), Math.min(CHECK_MS, this.#deadlines.messageMs / 4))
    this.#socket.once('close', () => clearInterval(watch))
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    // A socket tells of its end even while it is paused: what came before is answered first.
    this.#socket.once('end', () => { void this.#answered.then(() => this.#end()) })
  }

  /** No more is read until these are answered. */
  #take (chunk: Buffer): void {
    if (this.#isEnded) return
    const lines = this.#bound.linesOf(chunk)
    if (lines.length === 0) return
    this.#socket.pause()
    this.#answered = this.#answerAll(lines).then(() => { this.#socket.resume() })
  }

  async #answerAll (lines: readonly Line[]): Promise<void> {
    for (let next = 0; next < lines.length;) {
      const together = this.#togetherFrom(lines, next)
      next += together.length
      this.#isAnswering = true
      for (const answering of together.map(async (line) => await this.#answer(line))) {
        const { reply, endsConnection } = await answering
        if (this.#isEnded) return
        if (endsConnection === true) return this.#refuseAndEnd(reply)
        if (!this.#write(reply)) await this.#drained()
      }
      this.#isAnswering = false
    }
  }

  /** The next line, and those after it that don't have to wait for it. */
  #togetherFrom (lines: readonly Line[], first: number): Line[] {
    const things = new Set<string>()
    let end = first
    for (; end < lines.length && end - first < ANSWERED_TOGETHER; end++) {
      const { value } = lines[end] as Line
      const thing = value && this.#service.about?.(value)
      if (thing === undefined || things.has(thing)) break
      things.add(thing)
    }
    return lines.slice(first, Math.max(end, first + 1))
  }

  async #answer ({ value, fault }: Line): Promise<Outcome> {
    this.#lastLineMs = performance.now()
    if (fault !== undefined) return { reply: this.#service.refuse(fault), endsConnection: true }
    try {
      return { reply: await this.#service.answer(value) }
    } catch (reason) {
      const error = toPiecemealError(reason)
      return { reply: this.#service.refuse(error, value), endsConnection: error.endsConnection }
    }
  }

  /** Replies to pipelined requests leave in one write. @returns whether the peer reads them */
  #write (reply: object | Buffer): boolean {
    if (this.#socket.destroyed) return true
    gatherWrites(this.#socket)
    return this.#socket.write(Buffer.isBuffer(reply) ? reply : encodeLine(reply))
  }

  async #drained (): Promise<void> {
    this.#drainBegunMs = performance.now()
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go)
        this.#socket.off('close', go)
        resolve()
      }
      this.#socket.once('drain', go)
      this.#socket.once('close', go)
    })
    this.#drainBegunMs = undefined
  }

  #refuseAndEnd (refusal: object): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(refusal))
    this.#end()
  }

  /** The last reply arrives even if the peer is still sending. */
  #end (): void {
    if (this.#isEnded) return
    this.#isEnded = true
    endGently(this.#socket, this.#deadlines.lingerMs)
  }

  #destroyIfLate (): void {
    const { firstLineMs, messageMs, presenceMs, drainMs } = this.#deadlines
    const isLate = (sinceMs: number | undefined, mostMs: number): boolean =>
      sinceMs !== undefined && performance.now() - sinceMs > mostMs
    if (isLate(this.#drainBegunMs, drainMs) || isLate(this.#bound.lineBegunMs, messageMs) ||
        (this.#lastLineMs === undefined && isLate(this.#openedMs, firstLineMs)) ||
        (!this.#isAnswering && this.#drainBegunMs === undefined && isLate(this.#lastLineMs, presenceMs))) {
      this.#socket.destroy()
    }
  }
}
