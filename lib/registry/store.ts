/**
 * Redis as the registry sees it: there, or away. The first sign that it can't be used makes it away for all calls at once, so that not each
 * of them waits in vain; whoever tries it and finds that it works says so.
 */
import { EventEmitter } from 'node:events'
import { PiecemealError } from '../protocol/errors.js'
import { RETRY_LEAST_MS, STORE_MS } from './limits.js'
import { isAway, isReplica, type Argument, type RedisClient } from './redis-client.js'
import type { Script } from './scripts/script.js'

export type StoreClient = Pick<RedisClient, 'connect' | 'run' | 'call' | 'callEach' | 'scan' | 'reconnect' | 'close'>

/** The store can't be used now. */
export class StoreAway extends PiecemealError {
  constructor (where: string, cause: unknown) {
    super('E_REGISTRY', `the registry at ${where} is away: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

export interface CallOptions {
  /** Of `performance.now()`. @default a second from now */
  untilMs?: number | undefined
  /** Asks although it is away. */
  isTrial?: boolean
}

/** All calls of one request together. */
export function soon (): CallOptions {
  return { untilMs: performance.now() + STORE_MS }
}

/** For whoever has something better than an error while it is away. */
export function throwUnlessAway (error: unknown): undefined {
  if (!(error instanceof StoreAway)) throw error
}

export class Store extends EventEmitter<{ away: [reason: StoreAway] }> {
  readonly where: string
  readonly #client: StoreClient
  #away: StoreAway | undefined
  #reconnectedMs = -Infinity

  constructor (client: StoreClient, where: string) {
    super()
    this.#client = client
    this.where = where
  }

  /** Why it can't be used, while it can't. */
  get awayBecause (): StoreAway | undefined {
    return this.#away
  }

  /** @throws StoreAway; E_REGISTRY for anything else that Redis says */
  async run (script: Script, keys: readonly string[], args: readonly Argument[], options?: CallOptions): Promise<string> {
    return await this.#within(async () => await this.#client.run(script, keys, args), options)
  }

  /** @throws as `run` does */
  async call (words: [command: string, ...args: Argument[]], options?: CallOptions): Promise<unknown> {
    return await this.#within(async () => await this.#client.call(...words), options)
  }

  /** At each master. @throws as `run` does */
  async callEach (words: [command: string, ...args: Argument[]], options?: CallOptions): Promise<unknown[]> {
    return await this.#within(async () => await this.#client.callEach(...words), options)
  }

  /** Keys like this, at each master, page by page. @throws as `run` does */
  async * scan (pattern: string): AsyncGenerator<string[]> {
    try {
      yield * this.#client.scan(pattern)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** It works. */
  isBack (): void {
    this.#away = undefined
  }

  close (): void {
    this.#client.close()
  }

  async #within<T> (ask: () => Promise<T>, { untilMs = performance.now() + STORE_MS, isTrial = false }: CallOptions = {}): Promise<T> {
    if (this.#away !== undefined && !isTrial) throw this.#away
    const leftMs = untilMs - performance.now()
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        timer = setTimeout(() => reject(new NoAnswer()), Math.max(1, leftMs))
        ask().then(resolve, reject)
      })
    } catch (error) {
      throw this.#failed(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #failed (error: unknown): PiecemealError {
    if (!isAway(error)) return new PiecemealError('E_REGISTRY', `the registry at ${this.where}: ${(error as Error).message}`, { cause: error })
    const away = new StoreAway(this.where, error)
    // A connection that gives no answer may be dead, and one to a replica is the wrong one.
    if (error instanceof NoAnswer || isReplica(error)) this.#reconnect()
    if (this.#away === undefined) {
      this.#away = away
      this.emit('away', away)
    }
    return away
  }

  /** Once for all calls that fail together: hundreds are under way when everything is written anew. */
  #reconnect (): void {
    if (performance.now() - this.#reconnectedMs < RETRY_LEAST_MS) return
    this.#reconnectedMs = performance.now()
    this.#client.reconnect()
  }
}

class NoAnswer extends Error {
  constructor () {
    super('no answer in time')
  }
}
