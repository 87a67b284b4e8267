/** The tracker: a port that nodes stay connected to, and a registry of what they own while they are. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { DEFAULT_TRACKER, isLoopback, plainAddress, type Address } from '../protocol/address.js'
import { listenAddressesOf } from '../net/hosts.js'
import { LineServer, type LineConversation } from '../net/line-server.js'
import { ConflictError, PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { CONNECTIONS, DEADLINES, REPORT_MS, type Deadlines } from '../protocol/limits.js'
import { trackerRefusal } from '../protocol/tracker-to-node.js'
import { assertNotExposed, type Exposure } from '../secret/exposure.js'
import { credentialsFor, type ClientCredentials, type Purpose, type Secret } from '../secret/keys.js'
import { TrackerMetrics } from '../metrics/tracker-metrics.js'
import { MemoryRegistry } from './memory-registry.js'
import { outwardHost, Tries } from './reachability.js'
import { isFromThisMachine, NodeConnection } from './node-connection.js'
import type { Registry } from './registry.js'
import { Roster } from './roster.js'

/** As nodes are told that it dials. */
const NAME = 'tracker'

export interface TrackerOptions {
  /** An address, or a name, which stands for all of its addresses that this machine has. @default '127.0.0.1' */
  host?: string
  /** 0 for any free one. @default 12340 */
  port?: number
  /** @default a registry in memory */
  registry?: Registry
  /** With it only nodes that have it too can connect, and everything is encrypted. */
  secret?: Secret | undefined
  /** Without a secret, to listen beyond the loopback all the same. @default false */
  insecure?: boolean | undefined
  /** At once, from all nodes together. @default 4096 */
  maxConnections?: number | undefined
  /** Why there may be no more, as `error` says where nodes are turned away. @default that so many are there */
  fullBecause?: string | undefined
  /** Lists a node where it says it is reached, once that is proven, even where no secret says who it is. @default false */
  allowAdvertise?: boolean | undefined
  /** Has its nodes report what they fetch and send, for whoever looks at `roster`. @default whether other trackers want to know */
  takesReports?: boolean | undefined
  /** The name of a node in the tracker's own process: it is listed where it says, without a proof. */
  believes?: string | undefined
  /** Waits other than those of the contract, for tests. */
  deadlines?: Partial<Deadlines> | undefined
}

export interface TrackerEvents {
  /** It accepts connections. */
  listening: [address: Address]
  /** A node said its name for the first time on a connection. */
  joined: [node: { name: string }]
  /** A node's connection ended, or it said `exit`: then `saidSo`. */
  left: [node: { name: string, saidSo: boolean }]
  /** A node has told that it has a file, or, not `complete`, parts of it. */
  announced: [{ name: string, filename: string, digest: string, complete: boolean }]
  /** Something that no peer is to blame for or to be told about. */
  error: [error: Error]
}

export class Tracker extends EventEmitter<TrackerEvents> {
  /** What there is in the network. */
  readonly registry: Registry
  /** The nodes that are connected. @internal */
  readonly roster = new Roster()
  /** @internal */
  readonly metrics: TrackerMetrics
  readonly #address: Address
  readonly #exposure: Exposure
  readonly #server: LineServer
  readonly #deadlines: Deadlines
  readonly #tries = new Tries()
  readonly #credentials: Record<Purpose, ClientCredentials> | undefined
  readonly #takesAdvertised: boolean
  readonly #takesReports: boolean
  #telling: NodeJS.Timeout | undefined
  readonly #believes: string | undefined
  #port = 0
  #hears: 'loopback' | 'everywhere' = 'loopback'

  constructor ({ host = DEFAULT_TRACKER.host, port = DEFAULT_TRACKER.port, registry = new MemoryRegistry(), secret, insecure, deadlines, maxConnections = CONNECTIONS, fullBecause, allowAdvertise, believes, takesReports }: TrackerOptions = {}) {
    super()
    this.#address = { host, port }
    this.#exposure = { host, secret, insecure }
    this.registry = registry
    this.#takesReports = takesReports === true || registry.reports !== undefined
    this.#believes = believes
    this.#takesAdvertised = secret !== undefined || allowAdvertise === true
    this.#credentials = secret && { control: { ...credentialsFor('control', secret), name: NAME }, data: { ...credentialsFor('data', secret), name: NAME } }
    this.#deadlines = { ...DEADLINES, ...deadlines }
    this.#server = new LineServer({
      converse: (socket, admit, name) => this.#converse(socket, admit, name),
      refuse: (error, reason, message) => trackerRefusal(message?.mode, { ...error, ...(reason instanceof ConflictError && { versions: reason.versions }) }),
      onError: (error) => this.#report(error),
      credentials: secret && credentialsFor('control', secret),
      deadlines: this.#deadlines,
      maxConnections,
      fullBecause: fullBecause ?? `there are ${maxConnections}, and may be no more`,
    })
    this.metrics = new TrackerMetrics({
      nodes: () => this.roster.size,
      connections: () => {
        const { admitted: joined, strangers } = this.#server.connections
        return { joined, strangers }
      },
      sizes: async () => await registry.sizes(),
    })
  }

  /**
   * Where it listens, once it does.
   *
   * @throws E_USAGE for a host name that is nobody's; E_AUTH for a host beyond the loopback with neither a secret nor `insecure`; E_PORT; E_REGISTRY.
   */
  async start (): Promise<Address> {
    const { host, port } = this.#address
    const addresses = await listenAddressesOf(host)
    assertNotExposed({ ...this.#exposure, addresses })
    this.#hears = addresses.every(isLoopback) ? 'loopback' : 'everywhere'
    await this.registry.open()
    const address = await this.#server.listen({ host: addresses, port }).catch(async (error: unknown) => {
      await this.registry.close()
      throw error
    })
    this.#port = address.port
    this.registry.listens(address)
    this.#tellReports()
    this.emit('listening', address)
    return address
  }

  /** Of nodes; 0 before it listens. */
  get port (): number {
    return this.#port
  }

  /** Closes the port and every connection. Safe to call twice. */
  async close (): Promise<void> {
    clearInterval(this.#telling)
    this.#tries.close()
    await this.#server.close()
    await this.registry.close()
  }

  /** To the trackers that share the registry, if there may be any. */
  #tellReports (): void {
    const { reports } = this.registry
    if (reports === undefined) return
    this.#telling = setInterval(() => {
      reports.tell(this.roster.reports()).catch((error: unknown) => this.#report(toPiecemealError(error)))
    }, REPORT_MS).unref()
  }

  #converse (socket: Socket, admit: () => void, name: string | undefined): LineConversation {
    const session = new NodeConnection(socket, name, this.registry, {
      heartbeatMs: this.#deadlines.heartbeatMs,
      tries: this.#tries,
      credentials: this.#credentials,
      takesAdvertised: this.#takesAdvertised || isFromThisMachine(socket),
      believes: this.#believes,
      outwardHost: (host) => outwardHost(host, this.#hears),
      onError: (error) => this.#report(error),
      onReport: this.#takesReports ? (name, report) => this.roster.report(name, report) : undefined,
      onAnswered: (mode, ms, code) => this.metrics.answered(mode, ms, code),
      onJoin: (name) => {
        admit()
        this.roster.join(name, plainAddress(socket.remoteAddress ?? ''))
        this.emit('joined', { name })
      },
      onLeave: (name, saidSo) => {
        this.roster.leave(name)
        this.emit('left', { name, saidSo })
      },
      onAnnounced: (announced) => this.emit('announced', announced),
    })
    return {
      answer: async (message) => await session.answer(message),
      about: (message) => session.about(message),
      close: () => { session.close().catch((error: Error) => this.#report(error)) },
    }
  }

  #report (error: Error): void {
    if (error instanceof PiecemealError) this.metrics.refused(error.code)
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }
}
