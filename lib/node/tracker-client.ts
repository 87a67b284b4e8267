/**
 * The node's one connection to its tracker, which is its presence: kept alive, made again for ever
 * when it is lost, and then told all that the node shares.
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter, setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatAddress, isLoopback, isWildcard, type Address } from '../protocol/address.js'
import { beatUntilLost } from './heartbeat.js'
import { LineClient } from '../net/line-client.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { SESSION_BYTES, type Deadlines } from '../protocol/limits.js'
import type { NodeToTracker, TrackerMode } from '../protocol/node-to-tracker.js'
import type { ClientCredentials } from '../secret/keys.js'
import { parseTrackerToNode, type ReplyResults } from '../protocol/tracker-to-node.js'

/** A request without what every request has. */
export type Question<Mode extends TrackerMode> = Omit<Extract<NodeToTracker, { mode: Mode }>, 'type' | 'mode' | 'name'>

export interface TrackerClientOptions {
  tracker: Address
  /** The node's name. */
  name: string
  /** The addresses that the node's ports listen on; the tracker tells others the one we come from. */
  hosts: () => readonly string[]
  /** For the tracker's port; without them the connection is plain. */
  credentials?: ClientCredentials | undefined
  deadlines: Deadlines
  /** As of a heartbeat, for tests. */
  hasSlept?: (() => boolean) | undefined
  /** All that is to be announced on a new connection. */
  announcements: () => Array<Question<'have'>>
}

export interface TrackerClientEvents {
  connected: []
  /** There is a connection to ask on: the same, and also one in the place of another that was not lost. */
  ready: []
  /** Lost, or not there in the first place, or it has another secret (E_AUTH); it goes on trying. */
  lost: [reason: PiecemealError]
}

/** A name that was just given up may be taken for a moment still. */
const NAME_FREE_MS = 500
const BEAT_SHARE_OF_INTERVAL = 0.75

export class TrackerClient extends EventEmitter<TrackerClientEvents> {
  readonly #options: TrackerClientOptions
  readonly #closing = new AbortController()
  /** By this the tracker knows that a newer connection is ours as well, and that the older one is dead. */
  readonly #session = randomBytes(SESSION_BYTES).toString('hex')
  #connecting: Promise<LineClient> | undefined
  #client: LineClient | undefined
  /** What the tracker refused us with the last time: to wait for it is of no use. */
  #refusal: PiecemealError | undefined
  #hasJoined = false
  /** As far as was told. */
  #isLost = true
  /** As often as the tracker asks for, and a little oftener. */
  #beatMs: number
  #loop: Promise<void> = Promise.resolve()

  constructor (options: TrackerClientOptions) {
    super()
    this.#options = options
    this.#beatMs = options.deadlines.heartbeatMs
    // Every command that waits for the tracker listens for a moment.
    this.setMaxListeners(0)
    setMaxListeners(0, this.#closing.signal)
  }

  #isClosing (): boolean {
    return this.#closing.signal.aborted
  }

  get isConnected (): boolean {
    return this.#client !== undefined
  }

  /**
   * Connects, and from then on stays connected. Resolves after the first try, whether or not there was a tracker.
   *
   * @throws E_NAME_TAKEN if a live node has the name.
   */
  async start (): Promise<void> {
    const first = await this.#connect()
      .catch(async (error: unknown) => {
        if (!isNameTaken(error)) throw error
        await sleep(NAME_FREE_MS)
        return await this.#connect()
      })
      .catch((error: unknown) => {
        if (isNameTaken(error)) throw error
        return this.#lose(toPiecemealError(error))
      })
    this.#loop = this.#stayConnected(first)
  }

  /**
   * Asks the tracker, waiting for one that is away.
   *
   * @throws what the tracker refuses with; E_AUTH if it has another secret; E_TRACKER if none answers within `waitMs`.
   */
  async ask<Mode extends TrackerMode> (mode: Mode, question: Question<Mode>, waitMs = this.#options.deadlines.trackerWaitMs): Promise<ReplyResults[Mode]> {
    const deadlineMs = performance.now() + waitMs
    for (;;) {
      const client = this.#client ?? await this.#whenConnected(deadlineMs)
      try {
        return await this.#askOn(client, mode, question, Math.max(1, deadlineMs - performance.now()))
      } catch (error) {
        if (!isConnectionLost(error)) throw error
        if (performance.now() >= deadlineMs || this.#isClosing()) throw this.#away(error)
      }
    }
  }

  /** Leaves the owner lists and the tracker. Safe to call twice. */
  async close (): Promise<void> {
    const client = this.#client
    if (client && !this.#closing.signal.aborted) {
      await this.#askOn(client, 'exit', {}, this.#options.deadlines.reconnectMinMs).catch(() => {
        // Gone or slow: the end of the connection says the same.
      })
    }
    this.#closing.abort()
    client?.close()
    await Promise.allSettled([this.#loop, this.#connecting])
  }

  async #stayConnected (first: LineClient | undefined): Promise<void> {
    let client = first
    const { reconnectMs, reconnectMinMs, reconnectMaxMs } = this.#options.deadlines
    let pauseMs = reconnectMinMs
    let tookMs = 0
    while (!this.#isClosing()) {
      if (client) {
        pauseMs = reconnectMinMs
        tookMs = 0
        const current: LineClient = client
        const reason = await beatUntilLost(current, {
          beatMs: this.#beatMs,
          doubtMs: reconnectMs,
          hasSlept: this.#options.hasSlept,
          alive: async () => await this.#askOn(current, 'alive', {}),
          onDoubt: (doubt) => { void this.#replace(current, doubt) },
        })
        if (this.#isClosing()) return
        client = this.#client ?? await this.#connecting?.catch(() => undefined)
        if (client) continue
        this.#lose(reason)
      }
      await this.#pause(Math.max(reconnectMinMs, pauseMs - tookMs))
      pauseMs = Math.min(reconnectMaxMs, pauseMs * 2)
      const begunMs = performance.now()
      client = await this.#connect().catch((error: unknown) => this.#missAgain(toPiecemealError(error)))
      // Who has waited for an answer in vain has paused enough.
      tookMs = performance.now() - begunMs
    }
    client?.close()
  }

  /** Jittered, so that the nodes of a tracker that comes back do not all come at once. */
  async #pause (mostMs: number): Promise<void> {
    await sleep(mostMs * (0.5 + Math.random() / 2), undefined, { signal: this.#closing.signal }).catch(() => {
      // Closed meanwhile, which the loops see for themselves.
    })
  }

  #lose (reason: PiecemealError): undefined {
    this.#isLost = true
    this.#refusal = reason.code === 'E_AUTH' ? reason : undefined
    this.emit('lost', reason)
  }

  /** One more try in vain is no news, but that the tracker has another secret now is. */
  #missAgain (reason: PiecemealError): undefined {
    if (reason.code !== 'E_AUTH') this.#refusal = undefined
    else if (this.#refusal === undefined) this.#lose(reason)
  }

  async #connect (): Promise<LineClient> {
    this.#connecting ??= this.#connectAnew().finally(() => { this.#connecting = undefined })
    return await this.#connecting
  }

  /** The first message binds the connection to our name; then all is announced that is shared. */
  async #connectAnew (): Promise<LineClient> {
    const { tracker, hosts, credentials, announcements, deadlines: { reconnectMs, messageMs, heartbeatMs } } = this.#options
    const client = await LineClient.connect({
      ...tracker,
      credentials,
      localAddresses: hosts().filter((host) => !isWildcard(host) && !isLoopback(host)),
      signal: this.#closing.signal,
      connectMs: reconnectMs,
      messageMs,
    })
    const stop = (): void => client.close()
    this.#closing.signal.addEventListener('abort', stop)
    try {
      const { interval } = await this.#askOn(client, 'alive', { session: this.#session })
      this.#beatMs = BEAT_SHARE_OF_INTERVAL * Math.min(heartbeatMs, (interval ?? Infinity) * 1_000)
      if (client.closedBecause) throw client.closedBecause
    } catch (error) {
      client.close()
      throw error
    } finally {
      this.#closing.signal.removeEventListener('abort', stop)
    }
    const isNews = this.#isLost
    this.#client = client
    this.#isLost = false
    this.#refusal = undefined
    client.once('close', () => { if (this.#client === client) this.#client = undefined })
    this.#hasJoined = true
    for (const share of announcements()) {
      // One that is refused has been refused before, when it was shared.
      this.#askOn(client, 'have', share).catch(() => {})
    }
    if (isNews) this.emit('connected')
    this.emit('ready')
    return client
  }

  /**
   * While nobody knows whether a connection works another one is tried beside it: TCP tries again ever
   * more seldom to bring an `alive` across, and a new connection gets through at once.
   */
  async #replace (client: LineClient, doubt: AbortSignal): Promise<void> {
    while (!doubt.aborted && !client.closedBecause && !this.#isClosing()) {
      const newer = await this.#connect().catch(() => {
        // The older one may still come back, and says why if it doesn't.
      })
      if (newer) return client.close()
      await this.#pause(this.#options.deadlines.reconnectMinMs)
    }
  }

  async #askOn<Mode extends TrackerMode> (client: LineClient, mode: Mode, question: Question<Mode>, timeoutMs?: number): Promise<ReplyResults[Mode]> {
    const reply = await client.request({ type: 'NodeToTracker', mode, name: this.#options.name, ...question }, timeoutMs)
    return parseTrackerToNode(mode, reply)
  }

  /** Not with `AbortSignal.any` and `AbortSignal.timeout`: in Node 20 such a signal may be collected before it fires. */
  async #whenConnected (deadlineMs: number): Promise<LineClient> {
    const { signal } = this.#closing
    return await new Promise<LineClient>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.off('ready', go)
        this.off('lost', refuse)
        signal.removeEventListener('abort', giveUp)
      }
      const go = (): void => {
        if (this.#client === undefined) return
        settle()
        resolve(this.#client)
      }
      const giveUp = (): void => {
        settle()
        reject(this.#away())
      }
      const refuse = (): void => {
        if (this.#refusal === undefined) return
        settle()
        reject(new PiecemealError('E_AUTH', `the tracker at ${this.#refusal.message}`, { cause: this.#refusal }))
      }
      const timer = setTimeout(giveUp, Math.max(0, deadlineMs - performance.now()))
      this.on('ready', go)
      this.on('lost', refuse)
      signal.addEventListener('abort', giveUp)
      if (signal.aborted) giveUp()
      else refuse()
    })
  }

  #away (cause?: unknown): PiecemealError {
    const where = formatAddress(this.#options.tracker)
    return new PiecemealError('E_TRACKER', `the tracker at ${where} cannot be reached${this.#hasJoined ? ' any more' : ''}`, { cause })
  }
}

function isNameTaken (error: unknown): boolean {
  return error instanceof PiecemealError && error.code === 'E_NAME_TAKEN'
}

function isConnectionLost (error: unknown): boolean {
  return error instanceof PiecemealError && (error.code === 'E_NETWORK' || error.code === 'E_TIMEOUT' || error.code === 'E_INTERRUPTED')
}
