/**
 * A TCP port that strangers can't exhaust. A connection is a stranger's until it is admitted. Where
 * there are too many strangers, the one that has kept silent longest goes, so that a peer that speaks
 * at once gets in, however many are waiting. With a secret nobody else gets in at all.
 *
 * Longer than 250 lines because who comes in and who has to go for that is one decision, and this the
 * only place that sees all connections.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { outOfDescriptors, PiecemealError, systemCode } from '../protocol/errors.js'
import { CONNECTIONS, DEADLINES, UNKNOWN_CONNECTIONS_PER_ADDRESS, type Deadlines } from '../protocol/limits.js'
import { formatAddress, plainAddress, withoutBrackets, type Address } from '../protocol/address.js'
import type { Credentials } from '../secret/keys.js'
import { Refusals } from './refusals.js'
import { Strangers } from './strangers.js'
import { TlsGate } from './tls-gate.js'

export interface ListenerOptions {
  /** Takes over each connection; the listener only destroys it on `close()`. With a secret `name` is who the peer says it is. */
  onConnection: (socket: Socket, name?: string) => void
  /**
   * The port goes on listening, but connections could not be accepted, which is told at most every
   * 10 s, or a peer was refused for its secret (E_AUTH), told once a peer and minute.
   */
  onAcceptError?: (error: PiecemealError) => void
  /** Who may connect; anybody, and without encryption, if left out. */
  credentials?: Credentials | undefined
  /** @default those of the contract */
  deadlines?: Pick<Deadlines, 'handshakeMs' | 'lingerMs'>
  /** @default 4096 */
  maxConnections?: number
  /** Tells a connection for which there is no room to come again later, and ends it; without it, and with a secret, it is cut off. */
  turnAway?: ((socket: Socket) => void) | undefined
  /** Why there may be no more, for `onAcceptError` (E_LIMIT) where somebody is turned away for that; if left out, it is no news. */
  fullBecause?: string | undefined
  /** Whether the connection that was admitted longest ago makes room as well: its peer connects again when it has to. @default false */
  evictsIdle?: boolean | undefined
  /** @default 64 */
  maxUnknownPerAddress?: number
}

/** One address, or those that a name stands for: the same port on each that this machine has. */
export interface ListenAddress {
  host: string | readonly string[]
  port: number
}

const ACCEPT_ERROR_PAUSE_MS = 10_000
const TURNING_AWAY = 'connections are turned away'
/** A port that is free on one address may be taken on the next. */
const FREE_PORT_TRIES = 10
/** What listening fails with where the address, or its whole family, is not this machine's. */
const NOT_OF_THIS_MACHINE: ReadonlySet<string | undefined> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])
/** Honest peers speak at once: a connection that has been silent for less than this is not made to go for another. */
const SPEAKS_WITHIN_MS = 250
/** How many are told at the same time to come again later: each is still a connection. */
const TURNED_AWAY = 16

export class Listener {
  readonly #options: Required<Omit<ListenerOptions, 'credentials' | 'deadlines' | 'turnAway' | 'fullBecause'>> & Pick<ListenerOptions, 'turnAway' | 'fullBecause'>
  /** One for each address. */
  readonly #servers: Server[] = []
  readonly #gate: TlsGate | undefined
  readonly #refusals = new Refusals()
  /** When each was last admitted, or came; the longest ago first. */
  readonly #sockets = new Map<Socket, number>()
  readonly #turnedAway = new Set<Socket>()
  readonly #strangers = new Strangers()
  /** Those that could be closed without harm, the one that has been so longest first. */
  readonly #resting = new Set<Socket>()
  /** The connection that a TLS socket is on. */
  readonly #connectionOf = new WeakMap<Socket, Socket>()
  #acceptErrorMs = -Infinity

  constructor ({ credentials, deadlines = DEADLINES, ...options }: ListenerOptions) {
    this.#options = {
      onAcceptError: () => {}, maxConnections: CONNECTIONS, maxUnknownPerAddress: UNKNOWN_CONNECTIONS_PER_ADDRESS, evictsIdle: false, ...options,
    }
    this.#gate = credentials && new TlsGate({
      credentials,
      deadlines,
      onSecure: (connection, socket, name) => {
        socket.on('error', () => {})
        this.#connectionOf.set(socket, connection)
        this.#options.onConnection(socket, name)
      },
      onRefused: (connection, why) => this.#tellRefusal(connection, why),
    })
  }

  /**
   * The first address that it listens on.
   *
   * @throws E_PORT if the port is in use, may not be bound, or no host is this machine's.
   */
  async listen ({ host, port }: ListenAddress): Promise<Address> {
    const hosts = typeof host === 'string' ? [host] : host
    for (let tries = FREE_PORT_TRIES; ; tries--) {
      try {
        return await this.#listenOnEach(hosts, port)
      } catch (error) {
        await this.stopListening()
        const isTakenElsewhere = port === 0 && hosts.length > 1 && error instanceof PiecemealError && systemCode(error.cause) === 'EADDRINUSE'
        if (!isTakenElsewhere || tries === 1) throw error
      }
    }
  }

  async #listenOnEach (hosts: readonly string[], port: number): Promise<Address> {
    let first: Address | undefined
    let absent: unknown
    for (const host of hosts) {
      try {
        const bound = await this.#listenOn({ host: withoutBrackets(host), port: first?.port ?? port })
        first ??= bound
      } catch (error) {
        if (!(error instanceof PiecemealError) || !NOT_OF_THIS_MACHINE.has(systemCode(error.cause))) throw error
        absent = error
      }
    }
    if (first === undefined) throw absent
    return first
  }

  async #listenOn (address: Address): Promise<Address> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const what = `cannot listen on ${formatAddress(address)}`
        reject(outOfDescriptors(cause, what) ?? new PiecemealError('E_PORT', `${what}: ${systemCode(cause) ?? cause.message}`, { cause }))
      })
      server.listen(address, resolve)
    })
    server.removeAllListeners('error')
    server.on('error', (error) => this.#tellAcceptError(error))
    this.#servers.push(server)
    const bound = server.address() as AddressInfo
    return { host: bound.address, port: bound.port }
  }

  /** How many connections there are, and how many of them are not admitted. */
  get connections (): { admitted: number, strangers: number } {
    return { admitted: this.#sockets.size - this.#strangers.size, strangers: this.#strangers.size }
  }

  /** The peer has said who it is, or what it wants. */
  admit (socket: Socket): void {
    const connection = this.#connectionOf.get(socket) ?? socket
    if (this.#sockets.delete(connection)) this.#sockets.set(connection, performance.now())
    this.#strangers.delete(connection)
    this.#resting.delete(connection)
  }

  /** The peer has what it wanted, and may want more: until it is admitted again, it is the first to make room. */
  rest (socket: Socket): void {
    const connection = this.#connectionOf.get(socket) ?? socket
    if (this.#sockets.has(connection)) this.#resting.add(connection)
  }

  /** Makes room without being asked. */
  closeResting (): void {
    for (const connection of this.#resting) connection.destroy()
  }

  /** The peer was refused because it speaks TLS to a port that doesn't. */
  tellTls (socket: Socket): void {
    this.#tellRefusal(socket, 'speaks TLS, and there is no secret here')
  }

  #tellRefusal (socket: Socket, why: string): void {
    const peer = plainAddress(socket.remoteAddress ?? '')
    if (!this.#refusals.isNews(peer)) return
    this.#options.onAcceptError(new PiecemealError('E_AUTH', `${peer} is refused at port ${socket.localPort}: it ${why}`))
  }

  /** Stops accepting and destroys what is still open. Safe to call twice. */
  async close (): Promise<void> {
    await this.stopListening()
    for (const socket of [...this.#sockets.keys(), ...this.#turnedAway]) socket.destroy()
  }

  /** Stops accepting; connections that are open go on. */
  async stopListening (): Promise<void> {
    // Not awaited: `close` calls back only when the last connection has gone.
    for (const server of this.#servers.splice(0)) server.close()
    await Promise.resolve()
  }

  #accept (socket: Socket): void {
    // A reset by the peer is no news; whoever reads the socket sees it end.
    socket.on('error', () => {})
    const address = plainAddress(socket.remoteAddress ?? '')
    if (!this.#makeRoom(address)) {
      const { fullBecause } = this.#options
      if (fullBecause !== undefined) this.#tellTurnedAway(new PiecemealError('E_LIMIT', `${TURNING_AWAY}: ${fullBecause}`))
      return this.#turnAway(socket)
    }
    this.#sockets.set(socket, performance.now())
    this.#strangers.add(socket, address)
    socket.once('close', () => this.#forget(socket))
    if (this.#gate) this.#gate.enter(socket)
    else this.#options.onConnection(socket)
  }

  /** Whether there is room for one more; if need be the oldest stranger makes it. */
  #makeRoom (address: string): boolean {
    const { maxConnections, maxUnknownPerAddress } = this.#options
    const oldestOfCrowd = this.#strangers.oldestOfCrowd(address, maxUnknownPerAddress)
    if (oldestOfCrowd) this.#evict(oldestOfCrowd)
    if (this.#sockets.size < maxConnections) return true
    const [resting] = this.#resting
    if (resting) return this.#forget(resting.destroy())
    const [idlest] = this.#sockets.keys()
    for (const candidate of [this.#strangers.oldest, this.#options.evictsIdle ? idlest : undefined]) {
      if (candidate === undefined || !this.#mayBeEvicted(candidate)) continue
      this.#evict(candidate)
      return true
    }
    return false
  }

  /** A new connection can be told to come again later, so a peer that may be about to speak stays. */
  #mayBeEvicted (socket: Socket): boolean {
    const silentMs = performance.now() - (this.#sockets.get(socket) ?? -Infinity)
    return this.#options.turnAway === undefined || this.#gate !== undefined || silentMs >= SPEAKS_WITHIN_MS
  }

  #turnAway (socket: Socket): void {
    const { turnAway } = this.#options
    if (turnAway === undefined || this.#gate || this.#turnedAway.size >= TURNED_AWAY) {
      socket.destroy()
      return
    }
    this.#turnedAway.add(socket)
    socket.once('close', () => this.#turnedAway.delete(socket))
    turnAway(socket)
  }

  #evict (socket: Socket): void {
    this.#forget(socket)
    this.#turnAway(socket)
  }

  /** @returns whether it was known */
  #forget (socket: Socket): boolean {
    this.#strangers.delete(socket)
    this.#resting.delete(socket)
    return this.#sockets.delete(socket)
  }

  /** Node goes on accepting by itself; the peers that could not be accepted are closed. */
  #tellAcceptError (cause: Error): void {
    this.closeResting()
    this.#tellTurnedAway(outOfDescriptors(cause, TURNING_AWAY) ?? new PiecemealError('E_LIMIT', `${TURNING_AWAY}: ${systemCode(cause) ?? cause.message}`, { cause }))
  }

  #tellTurnedAway (error: PiecemealError): void {
    const nowMs = performance.now()
    if (nowMs - this.#acceptErrorMs < ACCEPT_ERROR_PAUSE_MS) return
    this.#acceptErrorMs = nowMs
    this.#options.onAcceptError(error)
  }
}
