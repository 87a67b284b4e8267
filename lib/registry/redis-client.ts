/**
 * The one file that knows the client library. What it lacks for us is elsewhere: a call has a deadline of ours (`store.ts`), since
 * the library's own does not go for what it queues in a cluster.
 */
import { EventEmitter } from 'node:events'
import { Cluster, Redis, SentinelConnector, type ClusterOptions, type RedisOptions, type SentinelConnectionOptions } from 'ioredis'
import { gatherWrites } from '../net/gather-writes.js'
import { RETRY_LEAST_MS, STORE_MS } from './limits.js'
import type { RegistryAddress } from './registry-address.js'
import type { Script } from './scripts/script.js'

export type Argument = string | number

/** Errors in a reply that say that this Redis is of no use now, whatever it is asked. */
const AWAY = new Set(['LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'OOM', 'NOREPLICAS', 'NOAUTH', 'WRONGPASS', 'MISCONF'])

/** How long the process lives on for a connection that is closed already, */
const DISCONNECT_MS = 100
/** and for a search for Sentinels. */
const SENTINEL_PAUSE_MS = 250

export class RedisClient extends EventEmitter<{ error: [error: Error] }> {
  readonly #client: Redis | Cluster
  #isClosed = false
  #again: NodeJS.Timeout | undefined

  constructor (address: RegistryAddress) {
    super()
    this.#client = connectionTo(address)
    // It tries again for ever, but for one that is told of a failover while it connects: it takes that for the end. Whoever calls is told.
    this.#client.on('end', () => { if (!this.#isClosed) this.#connectAgain() })
    this.#client.on('error', (error: Error) => { if (this.listenerCount('error') > 0) this.emit('error', error) })
  }

  /** Ends with the first try; later ones are its own. @throws what the first try failed with */
  async connect (): Promise<void> {
    let reason: Error | undefined
    const keep = (error: Error): void => { reason ??= error }
    this.#client.on('error', keep)
    try {
      await this.#client.connect()
    } catch (error) {
      // The library says only that the connection is closed.
      throw reason ?? error
    } finally {
      this.#client.off('error', keep)
    }
  }

  async run ({ lua, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<string> {
    const words = [...keys, ...args]
    this.#gather()
    try {
      return await this.#client.evalsha(sha, keys.length, ...words) as string
    } catch (error) {
      if (wordOf(error) !== 'NOSCRIPT') throw error
      return await this.#client.eval(lua, keys.length, ...words) as string
    }
  }

  /** Any other command. */
  async call (command: string, ...args: Argument[]): Promise<unknown> {
    this.#gather()
    return await this.#client.call(command, ...args)
  }

  /** The same at each master there is. */
  async callEach (command: string, ...args: Argument[]): Promise<unknown[]> {
    return await Promise.all(this.#masters.map(async (master) => await master.call(command, ...args)))
  }

  /** Keys of all masters, page by page. For people who look at it, and on no request's way. */
  async * scan (pattern: string): AsyncGenerator<string[]> {
    for (const master of this.#masters) {
      let cursor = '0'
      do {
        const [next, keys] = await master.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 500) as [string, string[]]
        yield keys
        cursor = next
      } while (cursor !== '0')
    }
  }

  /** Calls that are made together leave in one write: the library makes a system call of each, which takes longer than all the rest. */
  #gather (): void {
    const connections: Array<{ stream?: Redis['stream'] }> = this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client]
    for (const { stream } of connections) if (stream?.writable === true) gatherWrites(stream)
  }

  get #masters (): Redis[] {
    const masters = this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client]
    if (masters.length === 0) throw new Error('no master is known')
    return masters
  }

  #connectAgain (): void {
    clearTimeout(this.#again)
    // If that fails it has ended once more.
    this.#again = setTimeout(() => { this.#client.connect().catch(() => {}) }, RETRY_LEAST_MS)
  }

  /** Drops what connections there are, which may be dead without a sign, and makes new ones; who is master is asked again. */
  reconnect (): void {
    if (!this.#isClosed) this.#client.disconnect(true)
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#again)
    this.#client.disconnect()
  }
}

/** Whether a call failed because Redis can't be used now, and not for what was asked. */
export function isAway (error: unknown): boolean {
  if (!(error instanceof Error)) return true
  return error.name !== 'ReplyError' || AWAY.has(wordOf(error))
}

/** Whether it was a replica that answered: the master is elsewhere. */
export function isReplica (error: unknown): boolean {
  return wordOf(error) === 'READONLY'
}

function wordOf (error: unknown): string {
  return error instanceof Error ? error.message.split(' ', 1)[0] ?? '' : ''
}

function connectionTo ({ kind, hosts, path, master, db, tls, username, password }: RegistryAddress): Redis | Cluster {
  const retry = (times: number): number => Math.min(2 * RETRY_LEAST_MS, 50 * times)
  const options: RedisOptions = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectTimeout: 2 * STORE_MS,
    commandTimeout: 2 * STORE_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    disconnectTimeout: DISCONNECT_MS,
    // Sets the name of the connection, which older servers refuse.
    disableClientInfo: true,
  }
  if (kind === 'cluster') {
    const { lazyConnect, enableOfflineQueue, autoResendUnfulfilledCommands, ...ofNodes } = options
    const ofCluster: ClusterOptions = {
      redisOptions: ofNodes,
      clusterRetryStrategy: retry,
      clusterNodeRetryStrategy: retry,
      enableOfflineQueue: false,
      lazyConnect: true,
      slotsRefreshTimeout: STORE_MS,
      // Trouble is the business of whoever calls.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 20,
      maxRedirections: 4,
    }
    return new Cluster(hosts, ofCluster)
  }
  if (kind === 'sentinel') {
    return new Redis({
      ...options,
      db,
      sentinels: hosts,
      name: master ?? '',
      ...(tls && { enableTLSForSentinelMode: true }),
      Connector: Sentinels,
      // Nothing ends such a pause.
      sentinelRetryStrategy: (times) => Math.min(SENTINEL_PAUSE_MS, 50 * times),
      failoverDetector: true,
      retryStrategy: retry,
    })
  }
  const [host] = hosts
  return new Redis({ ...options, db, ...(path === undefined ? { ...host } : { path }), retryStrategy: retry })
}

/** Its connections to Sentinels get none of the options: each that failed kept the process from its end for two seconds. */
class Sentinels extends SentinelConnector {
  constructor (options: unknown) {
    super(options as SentinelConnectionOptions)
    const connect = this['connectToSentinel'].bind(this)
    this['connectToSentinel'] = (endpoint: unknown, more: object) => connect(endpoint, { disconnectTimeout: DISCONNECT_MS, ...more })
  }
}
