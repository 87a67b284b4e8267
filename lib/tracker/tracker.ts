/** The tracker: a port that nodes stay connected to, and a registry of what they own while they are. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { DEFAULT_TRACKER, type Address } from '../protocol/address.js'
import { Listener } from '../net/listener.js'
import { serveLines } from '../net/serve-lines.js'
import { ConflictError, toErrorData } from '../protocol/errors.js'
import { trackerRefusal } from '../protocol/tracker-to-node.js'
import { assertNotExposed } from '../secret/exposure.js'
import { credentialsFor, type Secret } from '../secret/keys.js'
import { MemoryRegistry } from './memory-registry.js'
import { Session } from './session.js'
import type { Registry } from './registry.js'

export interface TrackerOptions {
  /** @default '127.0.0.1' */
  host?: string
  /** 0 for any free one. @default 12340 */
  port?: number
  /** @default a registry in memory */
  registry?: Registry
  /** With it only nodes that have it too can connect, and everything is encrypted. */
  secret?: Secret | undefined
  /** Without a secret, to listen beyond the loopback all the same. @default false */
  insecure?: boolean | undefined
}

export interface TrackerEvents {
  /** It accepts connections. */
  listening: [address: Address]
  /** A node said its name for the first time on a connection. */
  joined: [node: { name: string }]
  /** A node's connection ended, or it said `exit`. */
  left: [node: { name: string }]
  /** Something that no peer is to blame for or to be told about. */
  error: [error: Error]
}

export class Tracker extends EventEmitter<TrackerEvents> {
  readonly #address: Address
  readonly #registry: Registry
  readonly #listener: Listener

  /** @throws E_AUTH for a host beyond the loopback with neither a secret nor `insecure`. */
  constructor ({ host = DEFAULT_TRACKER.host, port = DEFAULT_TRACKER.port, registry = new MemoryRegistry(), secret, insecure }: TrackerOptions = {}) {
    super()
    assertNotExposed({ host, secret, insecure })
    this.#listener = new Listener({
      onConnection: (socket, name) => this.#serve(socket, name),
      onAcceptError: (error) => this.#report(error),
      credentials: secret && credentialsFor('control', secret),
    })
    this.#address = { host, port }
    this.#registry = registry
  }

  /** Where it listens, once it does. @throws E_PORT. */
  async start (): Promise<Address> {
    const address = await this.#listener.listen(this.#address)
    this.emit('listening', address)
    return address
  }

  /** Closes the port and every connection. Safe to call twice. */
  async close (): Promise<void> {
    await this.#listener.close()
  }

  #serve (socket: Socket, name: string | undefined): void {
    const session = new Session(socket, name, this.#registry, {
      onJoin: (name) => {
        this.#listener.vouchFor(socket)
        this.emit('joined', { name })
      },
      onLeave: (name) => this.emit('left', { name }),
    })
    socket.once('close', () => { session.close().catch((error: Error) => this.#report(error)) })
    serveLines(socket, {
      answer: async (message) => await session.answer(message),
      refuse: (error, message) => {
        if (error.code === 'E_INTERNAL') this.#report(error)
        if (error.code === 'E_AUTH') this.#listener.tellTls(socket)
        return trackerRefusal(message?.mode, { ...toErrorData(error), ...(error instanceof ConflictError && { versions: error.versions }) })
      },
    })
  }

  #report (error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }
}
