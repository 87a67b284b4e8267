/** The asking side of a control connection: each request waits for its reply, in the order they were sent. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { pipeline, Writable } from 'node:stream'
import { PiecemealError } from '../protocol/errors.js'
import { LineGuard, splitLines, type Line } from '../protocol/framing.js'
import { DEADLINES, REPLY_LINE_BYTES } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { formatAddress } from '../protocol/address.js'
import { inSeconds } from '../protocol/units.js'
import { dial, type DialOptions } from './dial.js'
import { gatherWrites } from './gather-writes.js'

interface Pending {
  resolve: (reply: Record<string, unknown>) => void
  reject: (error: PiecemealError) => void
  timer: NodeJS.Timeout
}

export interface LineClientOptions extends DialOptions {
  /** From a request to its reply. @default 10000 */
  messageMs?: number | undefined
}

/** Emits `close` once, with the reason. */
export class LineClient extends EventEmitter<{ close: [reason: PiecemealError] }> {
  readonly #socket: Socket
  readonly #where: string
  readonly #messageMs: number
  readonly #pending: Pending[] = []
  #closedBecause: PiecemealError | undefined

  /** @throws as `dial` does. */
  static async connect ({ messageMs, ...options }: LineClientOptions): Promise<LineClient> {
    return new LineClient(await dial(options), formatAddress(options), messageMs)
  }

  constructor (socket: Socket, where: string, messageMs: number = DEADLINES.messageMs) {
    super()
    this.#socket = socket
    this.#where = where
    this.#messageMs = messageMs
    const guard = new LineGuard(REPLY_LINE_BYTES)
    const sink = new Writable({
      objectMode: true,
      write: (line: Line, _encoding, done) => {
        this.#take(line)
        done()
      },
      final: (done) => {
        this.#close(guard.fault ?? this.#lost('closed by the other side'))
        done()
      },
    })
    pipeline(socket, guard, splitLines(), sink, (error) => {
      this.#close(this.#lost(error?.message ?? 'closed'))
    })
  }

  /** Why it is closed, once it is. */
  get closedBecause (): PiecemealError | undefined {
    return this.#closedBecause
  }

  /**
   * Sends a message and gives the line that answers it.
   *
   * @throws E_NETWORK when the connection is lost, E_TIMEOUT when no reply comes (the connection is closed then:
   * its replies could no longer be told apart), E_PROTOCOL when what comes is no message.
   */
  async request (message: object, timeoutMs = this.#messageMs): Promise<Record<string, unknown>> {
    if (this.#closedBecause) throw this.#closedBecause
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#close(new PiecemealError('E_TIMEOUT', `no reply from ${this.#where} within ${inSeconds(timeoutMs)}`))
      }, timeoutMs)
      this.#pending.push({ resolve, reject, timer })
      gatherWrites(this.#socket)
      this.#socket.write(encodeLine(message))
    })
  }

  close (): void {
    this.#close(new PiecemealError('E_INTERRUPTED', `the connection to ${this.#where} was closed here`))
  }

  #take (line: Line): void {
    if (line.fault?.code === 'E_AUTH') return this.#close(new PiecemealError('E_AUTH', `${this.#where} wants a secret`))
    if (line.fault !== undefined) return this.#close(line.fault)
    const next = this.#pending.shift()
    if (next === undefined) return this.#close(new PiecemealError('E_PROTOCOL', `${this.#where} sent a reply to no request`))
    clearTimeout(next.timer)
    next.resolve(line.value)
  }

  #close (reason: PiecemealError): void {
    if (this.#closedBecause) return
    // E_LIMIT would be taken for a limit of this machine.
    if (reason.code === 'E_LIMIT') reason = new PiecemealError('E_PROTOCOL', reason.message)
    this.#closedBecause = reason
    this.#socket.destroy()
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer)
      reject(reason)
    }
    this.emit('close', reason)
  }

  #lost (why: string): PiecemealError {
    return new PiecemealError('E_NETWORK', `the connection to ${this.#where} was lost: ${why}`)
  }
}
