/**
 * The registry that many trackers share: who owns what stands in Redis. Each tracker keeps what its own nodes have as well, to write it again
 * where it was lost, and to answer from it while Redis is away.
 */
import { EventEmitter } from 'node:events'
import type { Address } from '../protocol/address.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { eachInFlight } from '../net/in-flight.js'
import type { TrackerSizes } from '../metrics/tracker-metrics.js'
import { MemoryRegistry, type MemoryRegistryLimits } from '../tracker/memory-registry.js'
import type { Place } from '../tracker/reachability.js'
import type { Found, Listing, Membership, OwnerQuestion, OwnerRecord, Registry } from '../tracker/registry.js'
import { atHand } from './at-hand.js'
import { DrawnAnswers } from './drawn-answers.js'
import { Keys } from './keys.js'
import { Lease, type LeaseEvents, type LeaseTimes } from './lease.js'
import { QUIET_WRITES_IN_FLIGHT, REWRITE_MS, WRITES_IN_FLIGHT } from './limits.js'
import { RegistryStatus } from './registry-status.js'
import { StoredFiles } from './stored-files.js'
import { sessionHash, StoredNodes, type Hold } from './stored-nodes.js'
import { soon, Store, StoreAway, throwUnlessAway, type StoreClient } from './store.js'
import { StoredReports } from './stored-reports.js'
import { StoredTracker } from './stored-tracker.js'
import { Sweeper } from './sweeper.js'
import { Turns } from './turns.js'
import { Writes } from './writes.js'

export interface RedisRegistryOptions {
  client: StoreClient
  /** Where it is, for people: without a password. */
  where: string
  /** Of all keys. @default 'pm' */
  prefix?: string | undefined
  /** What is told of the tracker beside its address. */
  version?: string | undefined
  limits?: Partial<MemoryRegistryLimits> | undefined
  times?: Partial<LeaseTimes> | undefined
  /** In place of Redis' clock, for tests. */
  redisClock?: (() => number) | undefined
}

export class RedisRegistry extends EventEmitter<LeaseEvents> implements Registry {
  readonly #store: Store
  readonly #keys: Keys
  readonly #lease: Lease
  readonly #files: StoredFiles
  readonly #nodes: StoredNodes
  readonly #sweeper: Sweeper
  readonly #status: RegistryStatus
  readonly #itself: StoredTracker
  readonly reports: StoredReports
  readonly #answers = new DrawnAnswers()
  /** What the nodes of this tracker have. */
  readonly #own: MemoryRegistry
  readonly #holds = new Map<string, Hold>()
  /** Names that are just given or freed: one after the other. */
  readonly #turns = new Turns()
  readonly #writes = new Writes((what) => this.#lease.missed(what))
  #connections = 0

  constructor (options: RedisRegistryOptions) {
    super()
    const { client, where, prefix = 'pm', version, limits, times, redisClock } = options
    this.#store = new Store(client, where)
    this.#keys = new Keys(prefix)
    this.#own = new MemoryRegistry(limits)
    this.#lease = new Lease({
      store: this.#store,
      keys: this.#keys,
      times,
      redisClock,
      rewrite: async (quietly) => await this.#rewrite(quietly),
      onDead: () => this.#sweeper.sweepDead(),
      onRenewed: async () => await this.#tell(),
    })
    for (const event of ['degraded', 'restored', 'error'] as const) this.#lease.on(event, (...args: [PiecemealError]) => this.#pass(event, args))
    this.#files = new StoredFiles(this.#store, this.#keys, this.#lease.roster)
    this.#nodes = new StoredNodes({ store: this.#store, keys: this.#keys, lease: this.#lease, nameMs: 3 * (times?.rewriteMs ?? REWRITE_MS), now: redisClock })
    this.#sweeper = new Sweeper(this.#store, this.#keys, this.#lease)
    this.#status = new RegistryStatus(this.#store, this.#keys)
    this.#itself = new StoredTracker(this.#store, this.#keys, version)
    this.reports = new StoredReports(this.#store, this.#keys, this.#lease)
  }

  get isDegraded (): boolean {
    return this.#lease.isDegraded
  }

  get net (): string {
    return this.#itself.net
  }

  /** Of all trackers; while Redis is away, of this one. */
  async sizes (): Promise<TrackerSizes> {
    const [own, nodes] = [await this.#own.sizes(), this.#holds.size]
    const all = this.isDegraded ? undefined : await this.#status.sizes(soon(), { token: this.#lease.token, nodes, records: own.records }).catch(throwUnlessAway)
    return all ?? { ...own, nodes, isDegraded: true }
  }

  sharesOf (node: string): number {
    return this.#own.sharesOf(node)
  }

  async open (): Promise<void> {
    await this.#lease.begin()
    await this.#itself.agreeOnNet()
  }

  listens (address: Address): void {
    this.#itself.address = address
    this.#tell().catch(() => {
      // It is told again with the next renewal.
    })
  }

  async close (): Promise<void> {
    await this.#writes.settled()
    await this.#sweeper.close()
    await this.#lease.close(this.#holds.size === 0)
    this.#store.close()
  }

  async join (node: string, membership?: Membership): Promise<void> {
    await this.#turns.take(node, async () => {
      await this.#lease.trust()
      const older = this.#holds.get(node)
      const hold: Hold = { node, connection: (++this.#connections).toString(36), session: sessionHash(membership?.session), membership, claimedAs: undefined }
      const isClaimed = await this.#writes.unlessAway('a name', async () => {
        if (!await this.#nodes.claim(hold, soon())) throw new PiecemealError('E_NAME_TAKEN', `a live node has the name ${quote(node)}`)
      })
      if (older !== undefined && isClaimed) await this.#forgetAll(older)
      // Nobody but this tracker can say now who has the name.
      else if (older !== undefined) hold.claimedAs = older.claimedAs
      await this.#own.join(node, { session: membership?.session, onReplaced: () => {} })
      this.#holds.set(node, hold)
      older?.membership?.onReplaced()
    })
  }

  async leave (node: string): Promise<void> {
    await this.#turns.take(node, async () => {
      const hold = this.#holds.get(node)
      if (hold === undefined) return
      this.#holds.delete(node)
      await Promise.all([this.#forgetAll(hold), this.#writes.unlessAway('that a node left', async () => await this.#nodes.free(hold))])
    })
  }

  async have (node: string, record: OwnerRecord): Promise<void> {
    await this.#lease.trust()
    const { filename, digest } = record
    const former = this.#own.recordOf(node, filename)
    await this.#own.have(node, record)
    this.#answers.forget(filename)
    try {
      await this.#write(node, record, former?.digest === digest ? undefined : former?.digest)
    } catch (error) {
      await this.#own.withdraw(node, filename)
      throw error
    }
  }

  async move (node: string, place: Place): Promise<void> {
    await this.#own.move(node, place)
    await eachInFlight(this.#own.recordsOf(node), WRITES_IN_FLIGHT, async (record) => {
      this.#answers.forget(record.filename)
      await this.#write(node, record)
    })
  }

  async withdraw (node: string, filename: string): Promise<void> {
    await this.#lease.trust()
    const [hold, record] = [this.#holds.get(node), this.#own.recordOf(node, filename)]
    if (hold === undefined || record === undefined) return
    await this.#own.withdraw(node, filename)
    this.#answers.forget(filename)
    await this.#writes.unlessAway('that a file is gone', async () => await this.#nodes.withdraw(hold, record, soon()))
  }

  async owners (question: OwnerQuestion): Promise<Found> {
    await this.#lease.trust()
    if (this.isDegraded) return await this.#atHand(question)
    const { filename, asker, digestPrefix } = question
    const drawn = await this.#answers.ask(filename, digestPrefix ?? '', async (known) => await this.#files.draw(filename, digestPrefix, soon(), known)).catch(throwUnlessAway)
    if (drawn === undefined) return await this.#atHand(question)
    const found = drawn.for(asker)
    if (found.owners.length === 0) throw new PiecemealError('E_NO_OWNER', `nobody owns ${quote(filename)}`)
    return found
  }

  async list (prefix: string, most: number): Promise<Listing> {
    await this.#lease.trust()
    if (this.isDegraded) return await this.#own.list(prefix, most)
    return await this.#files.list(prefix, most, soon()).catch(throwUnlessAway) ?? await this.#own.list(prefix, most)
  }

  async #atHand (question: OwnerQuestion): Promise<Found> {
    return await atHand(question, this.#own, this.#answers, (node) => this.#holds.has(node))
  }

  async #write (node: string, record: OwnerRecord, former?: string): Promise<void> {
    const hold = this.#holds.get(node)
    if (hold !== undefined) await this.#writes.unlessAway('what a node has', async () => await this.#nodes.write(hold, record, former, soon()))
  }

  async #forgetAll (hold: Hold): Promise<void> {
    const records = [...this.#own.recordsOf(hold.node)]
    await this.#own.leave(hold.node)
    for (const { filename } of records) this.#answers.forget(filename)
    // Thousands take longer than a request may wait, and no withdrawal harms what is announced meanwhile.
    await this.#writes.soonUnlessAway('that a node left', async () => await eachInFlight(records, WRITES_IN_FLIGHT, async (record) => await this.#nodes.withdraw(hold, record)))
  }

  /** All names and records of this tracker's nodes. Where another connection has a name by now, the one here has lost it. */
  async #rewrite (quietly: boolean): Promise<void> {
    await this.#itself.agreeOnNet()
    const most = quietly ? QUIET_WRITES_IN_FLIGHT : WRITES_IN_FLIGHT
    await eachInFlight(this.#holds.values(), most, async (hold) => {
      if (await this.#nodes.claim(hold) || this.#holds.get(hold.node) !== hold) return
      this.#holds.delete(hold.node)
      await this.#forgetAll(hold)
      hold.membership?.onReplaced()
    })
    await eachInFlight(this.#own.records(), most, async ([node, record]) => {
      const hold = this.#holds.get(node)
      if (hold === undefined) return
      await this.#nodes.rewrite(hold, record).catch((error: unknown) => {
        // One that can't be written is no reason to leave the others.
        if (error instanceof StoreAway) throw error
        this.#pass('error', [toPiecemealError(error)])
      })
    })
  }

  /** For people: which trackers there are. */
  async #tell (): Promise<void> {
    const { records } = await this.#own.sizes()
    await this.#itself.tell(this.#lease.token, { nodes: this.#holds.size, records, ...(this.isDegraded && { degraded: true }) })
  }

  #pass (event: keyof LeaseEvents, args: [PiecemealError]): void {
    if (event === 'restored') this.emit('restored')
    else if (event === 'degraded' || this.listenerCount('error') > 0) this.emit(event, ...args)
  }
}
