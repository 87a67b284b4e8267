/**
 * That this tracker lives, as the others see it: a token in the list of trackers, renewed every few seconds. Here Redis is found again after
 * it was away, and whatever may be missing there by then is written anew, under a new token: what bears the old one counts no more.
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { toPiecemealError, type PiecemealError } from '../protocol/errors.js'
import { LEASE_MS, RENEW_MS, RETRY_LEAST_MS, RETRY_MOST_MS, REWRITE_MS, TRUST_MS } from './limits.js'
import type { Keys } from './keys.js'
import { parseRoster, Roster } from './roster.js'
import { register, renew } from './scripts/trackers.js'
import { StoreAway, type Store } from './store.js'

export interface LeaseTimes {
  leaseMs: number
  renewMs: number
  /** Of what is quietly written anew. */
  rewriteMs: number
  trustMs: number
}

export interface LeaseOptions {
  store: Store
  keys: Keys
  times?: Partial<LeaseTimes>
  /** Redis' clock, for tests. @default its own */
  redisClock?: (() => number) | undefined
  /** Writes all that this tracker's nodes have. */
  rewrite: (quietly: boolean) => Promise<void>
  /** There are records of dead trackers. */
  onDead: () => void
  /** After each renewal. */
  onRenewed: () => Promise<void>
}

export interface LeaseEvents {
  /** From now on it answers from what it has at hand. */
  degraded: [reason: PiecemealError]
  restored: []
  error: [error: PiecemealError]
}

export class Lease extends EventEmitter<LeaseEvents> {
  readonly #options: LeaseOptions
  readonly #times: LeaseTimes
  readonly #closing = new AbortController()
  readonly roster: Roster
  #token = ''
  #renewing: Promise<void> | undefined
  #renewedMs = -Infinity
  /** The masters' histories: another one may lack what the last one had. */
  #replication: string | undefined
  /** Why what is in Redis may not be all that it should be. */
  #incomplete: string | undefined
  #restoring: Promise<void> | undefined
  #rewrittenMs = performance.now()
  #isDegraded = false
  #wake: () => void = () => {}
  #loop: Promise<void> = Promise.resolve()

  constructor (options: LeaseOptions) {
    super()
    this.#options = options
    this.#times = { leaseMs: LEASE_MS, renewMs: RENEW_MS, rewriteMs: REWRITE_MS, trustMs: TRUST_MS, ...options.times }
    this.roster = new Roster(this.#times.leaseMs)
    options.store.on('away', (reason) => {
      this.#degrade(reason)
      this.#wake()
    })
  }

  get token (): string {
    return this.#token
  }

  /** Whether Redis is away, or lacks something that this tracker has yet to write there. */
  get isDegraded (): boolean {
    return this.#isDegraded
  }

  /** @throws E_REGISTRY */
  async begin (): Promise<void> {
    await this.#register()
    await this.renew()
    this.#loop = this.#keep()
  }

  /** Something was not written. */
  missed (what: string): void {
    this.#incomplete ??= what
  }

  /** Whoever was stopped for a while finds out what he is worth before he answers anything. Does not fail: then it is degraded. */
  async trust (): Promise<void> {
    if (performance.now() - this.#renewedMs <= this.#times.trustMs || this.#options.store.awayBecause !== undefined) return
    await this.renew().catch(() => {})
  }

  /** Renews the lease and reads who lives; one such call for all who want it now. @throws E_REGISTRY */
  async renew (): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => { this.#renewing = undefined })
    await this.#renewing
  }

  /** Whether the tracker of a token is dead, as Redis says now. @throws E_REGISTRY */
  async isDead (token: string): Promise<boolean> {
    if (this.roster.lives(token)) return false
    await this.renew()
    return !this.roster.lives(token)
  }

  /** Ends without a trace, if there is none of its nodes. */
  async close (isClean: boolean): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await Promise.allSettled([this.#loop, this.#restoring])
    const { store, keys } = this.#options
    const words: [string, ...Array<string | number>] = isClean && this.#incomplete === undefined ? ['ZREM', keys.trackers, this.#token] : ['ZADD', keys.trackers, 0, this.#token]
    await Promise.allSettled([store.call(words), store.call(['DEL', keys.tracker(this.#token)])])
  }

  #isClosed (): boolean {
    return this.#closing.signal.aborted
  }

  /** It does not end, whatever happens in it: a tracker whose loop has stopped looks well and is dead. */
  async #keep (): Promise<void> {
    let pauseMs = RETRY_LEAST_MS
    while (!this.#isClosed()) {
      const isAway = this.#options.store.awayBecause !== undefined
      await this.#pause(isAway ? pauseMs * (0.5 + Math.random() / 2) : this.roster.pauseMs(this.#token, performance.now(), this.#times.renewMs), isAway)
      if (this.#isClosed()) return
      try {
        await this.#beat()
        pauseMs = RETRY_LEAST_MS
      } catch (error) {
        if (isAway) pauseMs = Math.min(RETRY_MOST_MS, 2 * pauseMs)
        // That it is away was told.
        else if (!(error instanceof StoreAway)) this.emit('error', toPiecemealError(error))
      }
    }
  }

  /** News that Redis is away cut a pause short, other than one between tries. */
  async #pause (ms: number, isAway: boolean): Promise<void> {
    const awake = new AbortController()
    this.#wake = () => { if (!isAway || this.#isClosed()) awake.abort() }
    if (this.#isClosed()) return
    await sleep(ms, undefined, { signal: awake.signal }).catch(() => {})
  }

  async #beat (): Promise<void> {
    const { store, onRenewed, onDead, rewrite } = this.#options
    if (store.awayBecause !== undefined) await this.#tryAgain()
    else await this.renew()
    if (this.#incomplete !== undefined) this.#restore()
    else if (performance.now() - this.#rewrittenMs > this.#times.rewriteMs) {
      this.#rewrittenMs = performance.now()
      rewrite(true).catch((error: unknown) => this.missed(toPiecemealError(error).message))
    }
    if (this.roster.unswept.length > 0) onDead()
    await onRenewed()
  }

  /** A `PING` would be answered by a replica, by a cluster that is down, and while writes are paused: so what is tried is what is wanted. */
  async #tryAgain (): Promise<void> {
    const { store, keys } = this.#options
    const options = { untilMs: performance.now() + 1_000, isTrial: true }
    await this.#renew(options)
    // In a cluster these are spread over all masters.
    await Promise.all(keys.names.map(async (part) => await store.call(['ZREM', part, ''], options)))
    store.isBack()
    if (this.#incomplete === undefined) this.#recover()
  }

  async #renew (options?: { untilMs: number, isTrial: boolean }): Promise<void> {
    const { store, keys, redisClock } = this.#options
    const silent = this.roster.silent(performance.now()).filter(([token]) => token !== this.#token)
    const [reply, histories] = await Promise.all([
      store.run(renew, [keys.trackers], [this.#token, this.#times.leaseMs, redisClock?.() ?? '', ...silent.flat()], options),
      store.callEach(['INFO', 'replication'], options),
    ])
    const [verdict, , ...words] = reply.split(' ')
    this.#renewedMs = performance.now()
    this.roster.take(parseRoster(words), this.#renewedMs)
    const replication = histories.map((text) => /master_replid:(\w+)/.exec(String(text))?.[1]).sort().join()
    if (verdict === 'lost' && this.#token !== '') this.missed('its lease was lost')
    else if (this.#replication !== undefined && this.#replication !== replication) this.missed('another Redis is master')
    this.#replication = replication
    if (this.#incomplete !== undefined) this.#degradeBecauseIncomplete()
  }

  /** @returns whether Redis knew of any tracker */
  async #register (): Promise<boolean> {
    const { store, keys, redisClock } = this.#options
    const random = Array.from(randomBytes(4), (byte) => (byte % 36).toString(36)).join('')
    // Newer than all that was seen, though Redis may have forgotten it.
    const floor = this.#token > this.roster.newest ? this.#token : this.roster.newest
    const reply = await store.run(register, [keys.trackers], [random, floor, this.#times.leaseMs, redisClock?.() ?? ''])
    const [token = '', ...others] = reply.split(' ').filter((word) => word !== '')
    this.#token = token
    return others.length > 0
  }

  /** In the background, for the new lease has to be renewed meanwhile. */
  #restore (): void {
    this.#degradeBecauseIncomplete()
    this.#restoring ??= this.#writeAnew().catch((error: unknown) => {
      this.missed(toPiecemealError(error).message)
    }).finally(() => { this.#restoring = undefined })
  }

  async #writeAnew (): Promise<void> {
    const { store, keys, rewrite } = this.#options
    const old = this.#token
    const wasKnown = await this.#register()
    this.#incomplete = undefined
    await rewrite(false)
    await store.call(['ZADD', keys.trackers, 0, old])
    // What bears the old token is nothing that this tracker's answers may name.
    await this.renew()
    // Where all data was lost the other trackers find out when they renew: until then it is not known what they have.
    if (!wasKnown) await sleep(this.#times.renewMs * 1.25, undefined, { signal: this.#closing.signal }).catch(() => {})
    this.#rewrittenMs = performance.now()
    if (this.#isComplete() && store.awayBecause === undefined) this.#recover()
  }

  #degradeBecauseIncomplete (): void {
    this.#degrade(toPiecemealError(new Error(`the registry at ${this.#options.store.where} is being written anew: ${this.#incomplete ?? ''}`)))
  }

  #degrade (reason: PiecemealError): void {
    // A node that leaves while it closes finds no Redis any more.
    if (this.#isDegraded || this.#isClosed()) return
    this.#isDegraded = true
    this.emit('degraded', reason)
  }

  #isComplete (): boolean {
    return this.#incomplete === undefined
  }

  #recover (): void {
    if (!this.#isDegraded) return
    this.#isDegraded = false
    this.emit('restored')
  }
}
