/**
 * The node's one connection to its tracker, which is its presence: kept alive, made again for ever
 * when it is lost, and then told all that the node shares.
 *
 * Longer than 250 lines because connecting, beating, doubting and being replaced are about one connection, and each changes what the others go by.
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter, setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLoopback, isWildcard, type Address } from '../protocol/address.js'
import { eachInFlight } from '../net/in-flight.js'
import { LineClient } from '../net/line-client.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { SESSION_BYTES } from '../protocol/limits.js'
import type { TrackerMode } from '../protocol/node-to-tracker.js'
import { parseTrackerToNode, type ReplyResults } from '../protocol/tracker-to-node.js'
import { DegradedTracker } from './degraded-tracker.js'
import { beatUntilLost, pause } from './heartbeat.js'
import { Reached } from './reached.js'
import { RefusedShares } from './refused-shares.js'
import { TrackerChoice } from './tracker-choice.js'
import type { Question, TrackerConnectionOptions } from './tracker-options.js'

export interface TrackerConnectionEvents {
  connected: []
  /** There is a connection to ask on: a first one, one after a loss, or a newer one in the place of one that still worked. */
  ready: []
  /** The tracker could not connect to the node's ports. */
  unreachable: []
  /** At the start another node has the name; it is tried again. */
  taken: [reason: PiecemealError]
  /** Lost, or not there in the first place, or it has another secret (E_AUTH); it goes on trying. */
  lost: [reason: PiecemealError]
}

/** A name that was just given up may be taken for a moment still. */
const NAME_FREE_MS = 500
/** Whoever waits for longer is told of it, and tries less often. */
const NAME_TRY_MS = 2_000
const BEAT_SHARE_OF_INTERVAL = 0.75
/** So many shares are announced at once: all of them would make one that is new wait. */
const ANNOUNCED_AT_ONCE = 64

export class TrackerConnection extends EventEmitter<TrackerConnectionEvents> {
  readonly #options: TrackerConnectionOptions
  readonly #closing = new AbortController()
  /** By this the tracker knows that a newer connection is ours as well, and that the older one is dead. */
  readonly #session = randomBytes(SESSION_BYTES).toString('hex')
  readonly #refused = new RefusedShares()
  readonly #choice: TrackerChoice
  readonly #degraded: DegradedTracker
  #reached: Reached | undefined
  #connecting: Promise<LineClient> | undefined
  #client: LineClient | undefined
  #refusal: PiecemealError | undefined
  #hasJoined = false
  /** As far as was told. */
  #isLost = true
  /** A little more often than the tracker asks for. */
  #beatMs: number
  #loop: Promise<void> = Promise.resolve()

  constructor (options: TrackerConnectionOptions) {
    super()
    this.#options = options
    this.#choice = new TrackerChoice(options.tracker)
    this.#degraded = new DegradedTracker(options.deadlines.degradedMs)
    this.#beatMs = options.deadlines.heartbeatMs
    // Every command that waits for the tracker listens for a moment.
    this.setMaxListeners(0)
    setMaxListeners(0, this.#closing.signal)
  }

  /** What to ask on, while there is a connection. */
  get client (): LineClient | undefined {
    return this.#client
  }

  /** The tracker that it is connected to, or was last. */
  get tracker (): Address {
    return this.#choice.current
  }

  /** All that it may be connected to, for people. */
  get trackers (): string {
    return this.#choice.text
  }

  /** Why the tracker did not let us in the last time: waiting for it is of no use. */
  get refusal (): PiecemealError | undefined {
    return this.#refusal
  }

  /** Whether there was ever a connection. */
  get hasJoined (): boolean {
    return this.#hasJoined
  }

  /** Aborted when it is closed for good. */
  get closing (): AbortSignal {
    return this.#closing.signal
  }

  /** Known once the ports listen. */
  get reached (): Reached {
    this.#reached ??= new Reached(this.#options.advertise, this.#options.hosts())
    return this.#reached
  }

  /**
   * Connects, and from then on stays connected. Resolves after the first try, whether or not there was a tracker.
   *
   * @throws E_NAME_TAKEN if a live node has the name.
   */
  async start (): Promise<void> {
    const first = await this.#connectByName().catch((error: unknown) => {
      if (isNameTaken(error)) throw error
      return this.#lose(toPiecemealError(error))
    })
    this.#loop = this.#stayConnected(first)
  }

  /** The connection that has the name may be one that has ended, and nobody knows yet. */
  async #connectByName (): Promise<LineClient> {
    const { nameWaitMs = NAME_FREE_MS } = this.#options
    const untilMs = performance.now() + nameWaitMs
    for (let isTold = false; ; isTold = true) {
      try {
        return await this.#connect()
      } catch (error) {
        if (!isNameTaken(error) || performance.now() >= untilMs || this.#isClosing()) throw error
        if (!isTold && nameWaitMs > NAME_FREE_MS) this.emit('taken', toPiecemealError(error))
      }
      await sleep(Math.min(nameWaitMs, isTold ? NAME_TRY_MS : NAME_FREE_MS), undefined, { signal: this.#closing.signal }).catch(() => {})
    }
  }

  /** @throws what the tracker refuses with, a share that it refused lately at once; what a lost connection fails with. */
  async askOn<Mode extends TrackerMode> (client: LineClient, mode: Mode, question: Question<Mode>, timeoutMs?: number): Promise<ReplyResults[Mode]> {
    const share = mode === 'have' ? question as unknown as Question<'have'> : undefined
    const refusal = share && this.#refused.reasonOf(share)
    if (refusal) throw refusal
    const reply = await client.request({ type: 'NodeToTracker', mode, name: this.#options.name, ...question }, timeoutMs)
    try {
      const result = parseTrackerToNode(mode, reply)
      if ('interval' in result) this.reached.wantsReports = result.reports === true
      if ('reachable' in result && this.reached.isNewsOf(result.reachable)) this.emit('unreachable')
      return result
    } catch (error) {
      if (share && reply.error !== undefined) this.#refused.add(share, toPiecemealError(error))
      throw error
    }
  }

  /** Leaves the owner lists and the tracker. Safe to call twice. */
  async close (): Promise<void> {
    const client = this.#client
    if (client && !this.#isClosing()) {
      await this.askOn(client, 'exit', {}, this.#options.deadlines.reconnectMinMs).catch(() => {
        // Gone or slow: the end of the connection says the same.
      })
    }
    this.#closing.abort()
    client?.close()
    await Promise.allSettled([this.#loop, this.#connecting])
  }

  #isClosing (): boolean {
    return this.#closing.signal.aborted
  }

  async #stayConnected (first: LineClient | undefined): Promise<void> {
    let client = first
    const { reconnectMinMs, reconnectMaxMs } = this.#options.deadlines
    let pauseMs = reconnectMinMs
    let tookMs = 0
    while (!this.#isClosing()) {
      if (client) {
        pauseMs = reconnectMinMs
        tookMs = 0
        const reason = await this.#beatUntilLost(client)
        if (this.#isClosing()) return
        this.#choice.passOver()
        client = this.#client ?? await this.#connecting?.catch(() => undefined)
        if (client) continue
        this.#lose(reason)
      }
      await pause(Math.max(reconnectMinMs, pauseMs - tookMs), this.#closing.signal)
      pauseMs = Math.min(reconnectMaxMs, pauseMs * 2)
      const begunMs = performance.now()
      client = await this.#connect().catch((error: unknown) => this.#missAgain(toPiecemealError(error)))
      // An attempt that waited in vain counts as a pause.
      tookMs = performance.now() - begunMs
    }
    client?.close()
  }

  async #beatUntilLost (client: LineClient): Promise<PiecemealError> {
    return await beatUntilLost(client, {
      beatMs: this.#beatMs,
      doubtMs: this.#options.deadlines.reconnectMs,
      hasSlept: this.#options.hasSlept,
      alive: async () => await this.#beat(client),
      onDoubt: (doubt) => { void this.#replace(client, doubt) },
    })
  }

  async #beat (client: LineClient): Promise<void> {
    const { degraded } = await this.askOn(client, 'alive', this.reached.fields)
    if (!this.#degraded.isToBeLeft(degraded === true) || !this.#choice.hasOthers) return
    this.#connect(true).then(() => client.close(), () => {})
  }

  /**
   * While it is not known whether a connection works, another one is tried beside it: TCP tries ever
   * more rarely to bring an `alive` across, and a new connection gets through at once.
   */
  async #replace (client: LineClient, doubt: AbortSignal): Promise<void> {
    this.#choice.passOver()
    while (!doubt.aborted && !client.closedBecause && !this.#isClosing()) {
      const newer = await this.#connect().catch(() => {
        // The older one may still come back, and says why if it doesn't.
      })
      if (newer) return client.close()
      await pause(this.#options.deadlines.reconnectMinMs, this.#closing.signal)
    }
  }

  #lose (reason: PiecemealError): undefined {
    this.#isLost = true
    this.#refusal = reason.code === 'E_AUTH' ? reason : undefined
    this.emit('lost', reason)
  }

  /** One more try in vain is no news. That the tracker has another secret now is news. */
  #missAgain (reason: PiecemealError): undefined {
    if (reason.code !== 'E_AUTH') this.#refusal = undefined
    else if (this.#refusal === undefined) this.#lose(reason)
  }

  /** @param elsewhere at another tracker than now, if that has its registry */
  async #connect (elsewhere = false): Promise<LineClient> {
    this.#connecting ??= this.#connectAnew(elsewhere).finally(() => { this.#connecting = undefined })
    return await this.#connecting
  }

  async #connectAnew (elsewhere: boolean): Promise<LineClient> {
    const client = await this.#join(elsewhere)
    const isNews = this.#isLost
    this.#client = client
    this.#isLost = false
    this.#refusal = undefined
    client.once('close', () => { if (this.#client === client) this.#client = undefined })
    this.#hasJoined = true
    void eachInFlight(this.#options.announcements(), ANNOUNCED_AT_ONCE, async (share) => {
      // A refusal is not news: the share was refused before, when its user was told.
      if (!client.closedBecause) await this.askOn(client, 'have', share).catch(() => {})
    })
    if (isNews) this.emit('connected')
    this.emit('ready')
    return client
  }

  /** The first message binds the connection to our name. */
  async #join (elsewhere: boolean): Promise<LineClient> {
    const { hosts, credentials, deadlines: { reconnectMs, messageMs, heartbeatMs } } = this.#options
    const before = this.#choice.current
    const client = await this.#choice.connect(async (tracker, signal) => await LineClient.connect({
      ...tracker,
      credentials,
      localAddresses: hosts().filter((host) => !isWildcard(host) && !isLoopback(host)),
      signal,
      connectMs: reconnectMs,
      messageMs,
    }), this.#closing.signal, elsewhere)
    const stop = (): void => client.close()
    this.#closing.signal.addEventListener('abort', stop)
    try {
      const { interval, degraded } = await this.askOn(client, 'alive', { session: this.#options.session?.() ?? this.#session, ...this.reached.fields })
      if (elsewhere && degraded === true) throw new PiecemealError('E_REGISTRY', 'the registry is away for that tracker, too')
      this.#beatMs = BEAT_SHARE_OF_INTERVAL * Math.min(heartbeatMs, (interval ?? Infinity) * 1_000)
      if (client.closedBecause) throw client.closedBecause
      return client
    } catch (error) {
      client.close()
      if (elsewhere) this.#choice.stayAt(before)
      else this.#choice.passOver()
      throw error
    } finally {
      this.#closing.signal.removeEventListener('abort', stop)
    }
  }
}

function isNameTaken (error: unknown): boolean {
  return error instanceof PiecemealError && error.code === 'E_NAME_TAKEN'
}
