/**
 * The way in to a port where there is a secret: a TLS handshake with a pre-shared key. A connection
 * costs next to nothing until its first bytes are here and begin one.
 */
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { systemCode } from '../protocol/errors.js'
import type { Deadlines } from '../protocol/limits.js'
import { beginsHandshake, UNEXPECTED_MESSAGE } from '../protocol/tls-record.js'
import { readIdentity } from '../secret/identity.js'
import type { Credentials } from '../secret/keys.js'
import { endGently } from './linger.js'
import { TLS_13 } from './open-socket.js'

export interface TlsGateOptions {
  credentials: Credentials
  /** The handshake is done: `socket` is what to talk on, and the peer is `name`, as far as the secret tells. */
  onSecure: (connection: Socket, socket: TLSSocket, name: string) => void
  /** `why` ends a sentence about the peer. */
  onRefused: (connection: Socket, why: string) => void
  deadlines: Pick<Deadlines, 'handshakeMs' | 'lingerMs'>
}

export class TlsGate {
  readonly #options: TlsGateOptions
  /** Does not listen: connections are handed to it. */
  readonly #server: Server
  /** By the peer's address and port, which tell which TLS socket is on which connection. */
  readonly #waiting = new Map<string, { connection: Socket, late: NodeJS.Timeout }>()
  /** Who has shown which name; proven once the handshake is done. */
  readonly #names = new WeakMap<TLSSocket, string>()

  constructor (options: TlsGateOptions) {
    this.#options = options
    this.#server = createServer({
      ...TLS_13,
      // OpenSSL hands out tickets all the same, but these stand for sessions that nobody keeps.
      secureOptions: constants.SSL_OP_NO_TICKET,
      pskCallback: (socket, identity) => this.#keyOf(socket, identity),
    })
    this.#server.on('secureConnection', (socket) => this.#pass(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      const waiting = this.#waiting.get(peerOf(socket))
      // A peer that went away, or that we have cut off, was not refused.
      const isOfTls = systemCode(error)?.startsWith('ERR_SSL_') === true
      if (waiting && isOfTls) this.#options.onRefused(waiting.connection, 'has no secret, or another one')
    })
  }

  /** Lets a new connection in, or refuses it. */
  enter (connection: Socket): void {
    const peer = peerOf(connection)
    const late = setTimeout(() => connection.destroy(), this.#options.deadlines.handshakeMs)
    this.#waiting.set(peer, { connection, late })
    connection.once('close', () => {
      clearTimeout(late)
      if (this.#waiting.get(peer)?.connection === connection) this.#waiting.delete(peer)
    })
    connection.once('readable', () => this.#look(connection))
  }

  #look (connection: Socket): void {
    const chunk = connection.read() as Buffer | null
    if (chunk === null) {
      connection.destroy()
    } else if (beginsHandshake(chunk)) {
      connection.unshift(chunk)
      this.#server.emit('connection', connection)
    } else {
      this.#options.onRefused(connection, 'speaks no TLS, so it has no secret')
      connection.write(UNEXPECTED_MESSAGE)
      endGently(connection, this.#options.deadlines.lingerMs)
    }
  }

  /** Without a key OpenSSL goes on to look for a certificate, has none, and fails the handshake. */
  #keyOf (socket: TLSSocket, identity: string): Uint8Array | null {
    const found = readIdentity(identity, this.#options.credentials)
    if (found === undefined) return null
    this.#names.set(socket, found.name)
    return found.key.psk
  }

  #pass (socket: TLSSocket): void {
    const peer = peerOf(socket)
    const waiting = this.#waiting.get(peer)
    const name = this.#names.get(socket)
    if (waiting === undefined || name === undefined) {
      socket.destroy()
      return
    }
    clearTimeout(waiting.late)
    this.#waiting.delete(peer)
    this.#options.onSecure(waiting.connection, socket, name)
  }
}

function peerOf ({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
