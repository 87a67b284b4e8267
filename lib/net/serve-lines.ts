/**
 * The serving side of a control connection: lines in, one reply each, in order.
 *
 * A peer can't hold it open for nothing: there is a deadline for its first line, for each line it
 * begins, for the silence between lines, and for reading its replies. Lines are taken one after
 * the other, so a peer that does not read is not read from either.
 */
import type { Socket } from 'node:net'
import { pipeline, Writable } from 'node:stream'
import type { PiecemealError } from '../protocol/errors.js'
import { toPiecemealError } from '../protocol/errors.js'
import { LineGuard, splitLines, type Line } from '../protocol/framing.js'
import { DEADLINES, REQUEST_LINE_BYTES, type Deadlines } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { endGently } from './linger.js'

export interface LineService {
  /** The reply to a message, or its line as bytes where they are at hand. What it throws goes to `refuse`. */
  answer: (message: Record<string, unknown>) => object | Buffer | Promise<object | Buffer>
  /** The reply that carries an error; `message` where there was one. */
  refuse: (error: PiecemealError, message?: Record<string, unknown>) => object
}

export type LineDeadlines = Pick<Deadlines, 'firstLineMs' | 'messageMs' | 'presenceMs' | 'drainMs' | 'lingerMs'>

const CHECK_MS = 1_000

export function serveLines (socket: Socket, service: LineService, deadlines: Partial<LineDeadlines> = {}): void {
  new LineConnection(socket, service, { ...DEADLINES, ...deadlines }).start()
}

class LineConnection {
  readonly #socket: Socket
  readonly #service: LineService
  readonly #deadlines: LineDeadlines
  /** Made when the peer speaks: thousands that never do cost little. */
  #guard: LineGuard | undefined
  readonly #openedMs = performance.now()
  #lastLineMs: number | undefined
  #drainBegunMs: number | undefined
  #isAnswering = false
  #isCorked = false
  #isEnded = false

  constructor (socket: Socket, service: LineService, deadlines: LineDeadlines) {
    this.#socket = socket
    this.#service = service
    this.#deadlines = deadlines
  }

  start (): void {
    const watch = setInterval(() => this.#destroyIfLate(), Math.min(CHECK_MS, this.#deadlines.messageMs / 4))
    this.#socket.once('close', () => clearInterval(watch))
    this.#socket.once('readable', () => this.#listen(new LineGuard(REQUEST_LINE_BYTES)))
  }

  #listen (guard: LineGuard): void {
    this.#guard = guard
    const sink = new Writable({
      objectMode: true,
      write: (line: Line, _encoding, done) => { this.#take(line, done) },
      final: (done) => { this.#finish(guard.fault, done) },
    })
    // The socket's own 'close' tells that it is over; an error here is a reset, or our own destroy.
    pipeline(this.#socket, guard, splitLines(), sink, () => { if (!this.#isEnded) this.#socket.destroy() })
  }

  #take (line: Line, done: () => void): void {
    this.#lastLineMs = performance.now()
    if (this.#isEnded) return done()
    if (line.fault !== undefined) {
      this.#refuseAndEnd(line.fault)
      return done()
    }
    this.#isAnswering = true
    const answered = (reply: object | Buffer): void => {
      this.#isAnswering = false
      this.#reply(reply, done)
    }
    const refused = (reason: unknown): void => {
      this.#isAnswering = false
      const error = toPiecemealError(reason)
      if (!error.endsConnection) return this.#reply(this.#service.refuse(error, line.value), done)
      this.#refuseAndEnd(error, line.value)
      done()
    }
    try {
      const reply = this.#service.answer(line.value)
      if (reply instanceof Promise) reply.then(answered, refused)
      else answered(reply)
    } catch (error) {
      refused(error)
    }
  }

  /** Replies to pipelined requests leave in one write. `done` waits until the peer reads. */
  #reply (reply: object | Buffer, done: () => void): void {
    if (this.#socket.destroyed) return done()
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    if (this.#socket.write(Buffer.isBuffer(reply) ? reply : encodeLine(reply))) return done()
    this.#drainBegunMs = performance.now()
    const go = (): void => {
      this.#socket.off('drain', go)
      this.#socket.off('close', go)
      this.#drainBegunMs = undefined
      done()
    }
    this.#socket.once('drain', go)
    this.#socket.once('close', go)
  }

  #finish (fault: PiecemealError | undefined, done: () => void): void {
    if (fault) this.#refuseAndEnd(fault)
    else this.#end()
    done()
  }

  #refuseAndEnd (error: PiecemealError, message?: Record<string, unknown>): void {
    if (this.#isEnded) return
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(this.#service.refuse(error, message)))
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
    if (isLate(this.#drainBegunMs, drainMs) || isLate(this.#guard?.lineBegunMs, messageMs) ||
        (this.#lastLineMs === undefined && isLate(this.#openedMs, firstLineMs)) ||
        (!this.#isAnswering && this.#drainBegunMs === undefined && isLate(this.#lastLineMs, presenceMs))) {
      this.#socket.destroy()
    }
  }
}
