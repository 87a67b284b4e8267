/** A port for control messages. Each connection is answered line by line. It counts as a stranger's until it has said something that is understood. */
import type { Socket } from 'node:net'
import type { Address } from '../protocol/address.js'
import { PiecemealError, toErrorData, type ErrorData } from '../protocol/errors.js'
import type { Deadlines } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import type { Credentials } from '../secret/keys.js'
import { endGently } from './linger.js'
import { Listener, type ListenAddress } from './listener.js'
import { serveLines, type LineService } from './serve-lines.js'

/** What answers on one connection, or throws what the peer is refused with. */
export interface LineConversation extends Pick<LineService, 'answer' | 'about'> {
  /** The connection has ended. */
  close?: () => void
}

export interface LineServerOptions {
  /** `admit` is to be called once the peer has shown that it is one of us; `name` is who it says it is, where there is a secret. */
  converse: (socket: Socket, admit: () => void, name: string | undefined) => LineConversation
  /** The reply that carries an error; `message` where there was one. */
  refuse: (error: ErrorData, reason: PiecemealError, message: Record<string, unknown> | undefined) => object
  /** Something that no peer is told about. */
  onError: (error: Error) => void
  deadlines: Deadlines
  /** Who may connect; anybody if left out. */
  credentials?: Credentials | undefined
  /** @default 4096 */
  maxConnections?: number | undefined
  /** As of a `Listener`. */
  evictsIdle?: boolean | undefined
  /** As of a `Listener`. */
  fullBecause?: string | undefined
}

export class LineServer {
  readonly #options: LineServerOptions
  readonly #listener: Listener

  constructor (options: LineServerOptions) {
    const { refuse, onError, credentials, deadlines, maxConnections, evictsIdle, fullBecause } = options
    this.#options = options
    this.#listener = new Listener({
      onConnection: (socket, name) => this.#serve(socket, name),
      onAcceptError: onError,
      turnAway: (socket) => {
        const busy = new PiecemealError('E_BUSY', 'too many connections; try again later')
        socket.write(encodeLine(refuse(toErrorData(busy), busy, undefined)))
        endGently(socket, deadlines.lingerMs)
      },
      evictsIdle,
      fullBecause,
      credentials,
      deadlines,
      ...(maxConnections !== undefined && { maxConnections }),
    })
  }

  /** @throws E_PORT. */
  async listen (address: ListenAddress): Promise<Address> {
    return await this.#listener.listen(address)
  }

  get connections (): Listener['connections'] {
    return this.#listener.connections
  }

  /** Closes the port and every connection. Safe to call twice. */
  async close (): Promise<void> {
    await this.#listener.close()
  }

  #serve (socket: Socket, name: string | undefined): void {
    const { converse, refuse, onError, deadlines } = this.#options
    const { answer, about, close } = converse(socket, () => this.#listener.admit(socket), name)
    if (close) socket.once('close', close)
    serveLines(socket, {
      answer,
      about,
      refuse: (error, message) => {
        if (error.code === 'E_INTERNAL') onError(error)
        if (error.code === 'E_AUTH') this.#listener.tellTls(socket)
        return refuse(toErrorData(error), error, message)
      },
    }, deadlines)
  }
}
