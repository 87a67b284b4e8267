/** A TCP port that strangers can't exhaust: connections are counted, by address until they say who they are. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { CONNECTIONS, UNKNOWN_CONNECTIONS_PER_ADDRESS } from '../protocol/limits.js'
import { formatAddress, plainAddress, type Address } from '../protocol/address.js'

export interface ListenerOptions {
  /** Takes over each connection; the listener only destroys it on `close()`. */
  onConnection: (socket: Socket) => void
  /** The port went on listening, but one accept failed: out of descriptors, for one. */
  onAcceptError?: (error: Error) => void
  /** @default 4096 */
  maxConnections?: number
  /** @default 64 */
  maxUnknownPerAddress?: number
}

export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** How many connections of an address have not been vouched for. */
  readonly #unknown = new Map<string, number>()
  readonly #unknownSockets = new Map<Socket, string>()

  constructor (options: ListenerOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    this.#server.maxConnections = options.maxConnections ?? CONNECTIONS
  }

  /** @throws E_PORT if the port is in use, may not be bound, or the host is none of this machine's. */
  async listen ({ host, port }: Address): Promise<Address> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(new PiecemealError('E_PORT', `cannot listen on ${formatAddress({ host, port })}: ${systemCode(cause) ?? cause.message}`, { cause }))
      })
      this.#server.listen({ host, port }, resolve)
    })
    this.#server.removeAllListeners('error')
    this.#server.on('error', (error) => this.#options.onAcceptError?.(error))
    const bound = this.#server.address() as AddressInfo
    return { host: bound.address, port: bound.port }
  }

  /** The peer has said who it is: it no longer counts against the strangers of its address. */
  vouchFor (socket: Socket): void {
    const address = this.#unknownSockets.get(socket)
    if (address === undefined) return
    this.#unknownSockets.delete(socket)
    const left = (this.#unknown.get(address) ?? 1) - 1
    if (left > 0) this.#unknown.set(address, left)
    else this.#unknown.delete(address)
  }

  /** Stops accepting and destroys what is still open. Safe to call twice. */
  async close (): Promise<void> {
    await this.stopListening()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Stops accepting; connections that are open go on. */
  async stopListening (): Promise<void> {
    if (!this.#server.listening) return
    // Not awaited: `close` calls back only when the last connection has gone.
    this.#server.close()
    await Promise.resolve()
  }

  #accept (socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    const unknown = (this.#unknown.get(address) ?? 0) + 1
    if (unknown > (this.#options.maxUnknownPerAddress ?? UNKNOWN_CONNECTIONS_PER_ADDRESS)) {
      socket.destroy()
      return
    }
    this.#unknown.set(address, unknown)
    this.#unknownSockets.set(socket, address)
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.vouchFor(socket)
    })
    // A reset by the peer is no news; whoever reads the socket sees it end.
    socket.on('error', () => {})
    this.#options.onConnection(socket)
  }
}
