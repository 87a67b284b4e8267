/** What the node asks its tracker, waiting for one that is away. */
import { EventEmitter } from 'node:events'
import type { Address } from '../protocol/address.js'
import type { LineClient } from '../net/line-client.js'
import { PiecemealError } from '../protocol/errors.js'
import type { Report, TrackerMode } from '../protocol/node-to-tracker.js'
import type { ReplyResults } from '../protocol/tracker-to-node.js'
import { pause } from './heartbeat.js'
import { TrackerConnection, type TrackerConnectionEvents } from './tracker-connection.js'
import type { Question, TrackerConnectionOptions } from './tracker-options.js'

export type TrackerClientOptions = TrackerConnectionOptions
export type TrackerClientEvents = Pick<TrackerConnectionEvents, 'connected' | 'lost' | 'unreachable' | 'taken'>
export type { Question }

export class TrackerClient extends EventEmitter<TrackerClientEvents> {
  readonly #options: TrackerClientOptions
  readonly #connection: TrackerConnection

  constructor (options: TrackerClientOptions) {
    super()
    this.#options = options
    this.#connection = new TrackerConnection(options)
    this.#connection.on('connected', () => this.emit('connected'))
    this.#connection.on('lost', (reason) => this.emit('lost', reason))
    this.#connection.on('taken', (reason) => this.emit('taken', reason))
    this.#connection.on('unreachable', () => this.emit('unreachable'))
  }

  /** The tracker that it is connected to, or was last. */
  get tracker (): Address {
    return this.#connection.tracker
  }

  get isConnected (): boolean {
    return this.#connection.client !== undefined
  }

  /** Whether the tracker wants to hear what goes on here. */
  get wantsReports (): boolean {
    return this.isConnected && this.#connection.reached.wantsReports
  }

  /** Says what goes on here; a connection that is lost meanwhile loses that, too. */
  async report (report: Report): Promise<void> {
    const { client } = this.#connection
    if (client) await this.#connection.askOn(client, 'alive', { report })
  }

  /**
   * Connects, and from then on stays connected. Resolves after the first try, whether or not there was a tracker.
   *
   * @throws E_NAME_TAKEN if a live node has the name.
   */
  async start (): Promise<void> {
    await this.#connection.start()
  }

  /**
   * Asks the tracker, waiting for one that is away.
   *
   * @throws what the tracker refuses with; E_AUTH if it has another secret; E_TRACKER if none answers within `waitMs`; E_REGISTRY for a `need`
   * once its registry has been away for long.
   */
  async ask<Mode extends TrackerMode> (mode: Mode, question: Question<Mode>, waitMs = this.#options.deadlines.trackerWaitMs): Promise<ReplyResults[Mode]> {
    let deadlineMs = performance.now() + waitMs
    const registryDeadlineMs = performance.now() + this.#options.deadlines.registryWaitMs
    for (;;) {
      const client = this.#connection.client ?? await this.#whenConnected(deadlineMs)
      try {
        return await this.#connection.askOn(client, mode, question, Math.max(1, deadlineMs - performance.now()))
      } catch (error) {
        if (isRegistryAway(error) && mode === 'need' && performance.now() < registryDeadlineMs) {
          await pause(this.#options.deadlines.reconnectMinMs, this.#connection.closing)
          // The tracker is there.
          deadlineMs = performance.now() + waitMs
          continue
        }
        if (!isConnectionLost(error)) throw error
        if (performance.now() >= deadlineMs || this.#connection.closing.aborted) throw this.#away(error)
      }
    }
  }

  /** One of our ports was told this: said to the tracker it proves that the port is ours. */
  sayBack (probe: string): void {
    const { client, reached } = this.#connection
    if (client === undefined || !reached.maySayBack()) return
    this.#connection.askOn(client, 'alive', { probe, ...reached.fields }).catch(() => {
      // A connection that is lost; whoever wants the proof asks again.
    })
  }

  /** Leaves the owner lists and the tracker. Safe to call twice. */
  async close (): Promise<void> {
    await this.#connection.close()
  }

  /** Not with `AbortSignal.any` and `AbortSignal.timeout`: in Node 20 such a signal may be collected before it fires. */
  async #whenConnected (deadlineMs: number): Promise<LineClient> {
    const connection = this.#connection
    const signal = connection.closing
    return await new Promise<LineClient>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        connection.off('ready', go)
        connection.off('lost', refuse)
        signal.removeEventListener('abort', giveUp)
      }
      const go = (): void => {
        if (connection.client === undefined) return
        settle()
        resolve(connection.client)
      }
      const giveUp = (): void => {
        settle()
        reject(this.#away())
      }
      const refuse = (): void => {
        const { refusal } = connection
        if (refusal === undefined) return
        settle()
        reject(new PiecemealError('E_AUTH', `the tracker at ${refusal.message}`, { cause: refusal }))
      }
      const timer = setTimeout(giveUp, Math.max(0, deadlineMs - performance.now()))
      connection.on('ready', go)
      connection.on('lost', refuse)
      signal.addEventListener('abort', giveUp)
      if (signal.aborted) giveUp()
      else refuse()
    })
  }

  #away (cause?: unknown): PiecemealError {
    const where = this.#connection.trackers
    return new PiecemealError('E_TRACKER', `the tracker at ${where} cannot be reached${this.#connection.hasJoined ? ' any more' : ''}`, { cause })
  }
}

function isRegistryAway (error: unknown): boolean {
  return error instanceof PiecemealError && error.code === 'E_REGISTRY'
}

function isConnectionLost (error: unknown): boolean {
  return error instanceof PiecemealError && (error.code === 'E_NETWORK' || error.code === 'E_TIMEOUT' || error.code === 'E_INTERRUPTED')
}
