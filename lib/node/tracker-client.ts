/**
 * The node's one connection to its tracker, which is its presence: kept alive, made again for ever
 * when it is lost, and then told all that the node shares.
 */
import { EventEmitter, once, setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatAddress, isLoopback, isWildcard, type Address } from '../protocol/address.js'
import { LineClient } from '../net/line-client.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import type { Deadlines } from '../protocol/limits.js'
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
  /** All that is to be announced on a new connection. */
  announcements: () => Array<Question<'have'>>
}

export interface TrackerClientEvents {
  connected: []
  /** Lost, or not there in the first place, or it has another secret (E_AUTH); it goes on trying. */
  lost: [reason: PiecemealError]
}

/** A name that was just given up may be taken for a moment still. */
const NAME_FREE_MS = 500
const BEAT_SHARE_OF_INTERVAL = 0.75

export class TrackerClient extends EventEmitter<TrackerClientEvents> {
  readonly #options: TrackerClientOptions
  readonly #closing = new AbortController()
  #client: LineClient | undefined
  /** What the tracker refused us with the last time: to wait for it is of no use. */
  #refusal: PiecemealError | undefined
  #hasJoined = false
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
    await this.#loop
  }

  async #stayConnected (first: LineClient | undefined): Promise<void> {
    let client = first
    const { reconnectMinMs, reconnectMaxMs } = this.#options.deadlines
    let pauseMs = reconnectMinMs
    while (!this.#isClosing()) {
      if (client) {
        pauseMs = reconnectMinMs
        const reason = await this.#beatUntilLost(client)
        if (this.#isClosing()) return
        this.#lose(reason)
      }
      // Jittered, so that the nodes of a tracker that comes back do not all come at once.
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#closing.signal }).catch(() => {})
      pauseMs = Math.min(reconnectMaxMs, pauseMs * 2)
      client = await this.#connect().catch((error: unknown) => this.#missAgain(toPiecemealError(error)))
    }
    client?.close()
  }

  #lose (reason: PiecemealError): undefined {
    this.#refusal = reason.code === 'E_AUTH' ? reason : undefined
    this.emit('lost', reason)
  }

  /** One more try in vain is no news, but that the tracker has another secret now is. */
  #missAgain (reason: PiecemealError): undefined {
    if (reason.code !== 'E_AUTH') this.#refusal = undefined
    else if (this.#refusal === undefined) this.#lose(reason)
  }

  /** The first message binds the connection to our name; then all is announced that is shared. */
  async #connect (): Promise<LineClient> {
    const { tracker, hosts, credentials, announcements, deadlines: { reconnectMs, messageMs, heartbeatMs } } = this.#options
    const client = await LineClient.connect({
      ...tracker,
      credentials,
      localAddresses: hosts().filter((host) => !isWildcard(host) && !isLoopback(host)),
      signal: this.#closing.signal,
      connectMs: reconnectMs,
      messageMs,
    })
    try {
      const { interval } = await this.#askOn(client, 'alive', {})
      this.#beatMs = BEAT_SHARE_OF_INTERVAL * Math.min(heartbeatMs, (interval ?? Infinity) * 1_000)
      if (client.closedBecause) throw client.closedBecause
    } catch (error) {
      client.close()
      throw error
    }
    this.#client = client
    this.#refusal = undefined
    client.once('close', () => { if (this.#client === client) this.#client = undefined })
    this.#hasJoined = true
    for (const share of announcements()) {
      // One that is refused has been refused before, when it was shared.
      this.#askOn(client, 'have', share).catch(() => {})
    }
    this.emit('connected')
    return client
  }

  async #beatUntilLost (client: LineClient): Promise<PiecemealError> {
    const beat = setInterval(() => {
      this.#askOn(client, 'alive', {}).catch(() => client.close())
    }, this.#beatMs)
    try {
      return client.closedBecause ?? (await once(client, 'close') as [PiecemealError])[0]
    } finally {
      clearInterval(beat)
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
        this.off('connected', go)
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
      this.on('connected', go)
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
