/** A look at a registry from outside, by somebody who is no tracker: which trackers there are, how much they know, and whether it is consistent. */
import type { TrackerSizes } from '../metrics/tracker-metrics.js'
import { eachInFlight } from '../net/in-flight.js'
import type { Keys } from './keys.js'
import { LEASE_MS, WRITES_IN_FLIGHT } from './limits.js'
import { list } from './listing.js'
import { parseRoster, Roster } from './roster.js'
import { renew } from './scripts/trackers.js'
import type { CallOptions, Store } from './store.js'
import { Sweeper, type Swept } from './sweeper.js'

/** What a tracker tells of itself. */
interface Told {
  address?: string
  version?: string
  nodes?: number
  records?: number
  degraded?: boolean
}

export interface TrackerStatus extends Told {
  token: string
  isAlive: boolean
}

export interface Status {
  trackers: TrackerStatus[]
  files: number
  /** Of Redis, whatever else is in it. */
  memoryBytes: number
}

export interface Checked extends Swept {
  /** Names that were in no list of names. */
  unlisted: number
  /** Sets of owners of contents that are not there. */
  orphans: number
}

/** Of all trackers that live together. */
export function sizesOf ({ trackers, files, memoryBytes }: Status): Required<Omit<TrackerSizes, 'isDegraded'>> {
  const living = trackers.filter(({ isAlive }) => isAlive)
  const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0)
  return { files, records: sum(living.map(({ records = 0 }) => records)), nodes: sum(living.map(({ nodes = 0 }) => nodes)), memoryBytes, trackers: living.length }
}

export class RegistryStatus {
  readonly #store: Store
  readonly #keys: Keys

  constructor (store: Store, keys: Keys) {
    this.#store = store
    this.#keys = keys
  }

  /** @throws E_REGISTRY */
  async read (options?: CallOptions): Promise<Status> {
    const [[roster, nowMs], memories, ...parts] = await Promise.all([
      this.#roster(options),
      this.#store.callEach(['INFO', 'memory'], options),
      ...this.#keys.names.map(async (part) => Number(await this.#store.call(['ZCARD', part], options))),
    ])
    const trackers = await Promise.all(roster.map(async ([token, end]) => ({ ...await this.#toldBy(token, options), token, isAlive: end > nowMs })))
    return {
      trackers,
      files: parts.reduce((sum, one) => sum + one, 0),
      memoryBytes: memories.reduce<number>((sum, text) => sum + Number(/used_memory:(\d+)/.exec(String(text))?.[1] ?? 0), 0),
    }
  }

  /** @param own what a tracker knows of itself, better than it told @throws E_REGISTRY */
  async sizes (options?: CallOptions, own?: Pick<TrackerStatus, 'token' | 'nodes' | 'records'>): Promise<TrackerSizes> {
    const status = await this.read(options)
    return sizesOf({ ...status, trackers: status.trackers.map((tracker) => tracker.token === own?.token ? { ...tracker, ...own } : tracker) })
  }

  /** Walks all of it, and mends what it finds. @throws E_REGISTRY */
  async check (): Promise<Checked> {
    const roster = new Roster(LEASE_MS)
    const renew = async (): Promise<void> => {
      const [list] = await this.#roster()
      roster.take(list, 0)
    }
    await renew()
    const [unlisted, orphans] = [await this.#listAll(), await this.#removeOrphans()]
    const swept = await new Sweeper(this.#store, this.#keys, { token: 'check', roster, renew }).walk()
    return { ...swept, unlisted, orphans }
  }

  /** By a token that nobody has: it renews nothing. */
  async #roster (options?: CallOptions): Promise<[list: Array<[token: string, end: number]>, nowMs: number]> {
    const [, nowMs, ...words] = (await this.#store.run(renew, [this.#keys.trackers], ['', 0, ''], options)).split(' ')
    return [parseRoster(words), Number(nowMs)]
  }

  async #toldBy (token: string, options?: CallOptions): Promise<Told> {
    const text = await this.#store.call(['GET', this.#keys.tracker(token)], options)
    try {
      return typeof text === 'string' ? JSON.parse(text) as Told : {}
    } catch {
      return {}
    }
  }

  async #listAll (): Promise<number> {
    let unlisted = 0
    await this.#eachKey('f', async (key) => {
      const filename = key.slice(key.indexOf('}:') + 2)
      const ofFile = this.#keys.of(filename)
      if (await this.#store.call(['ZSCORE', ofFile.names, filename]) !== null) return
      unlisted++
      await list(this.#store, ofFile, filename)
    })
    return unlisted
  }

  async #removeOrphans (): Promise<number> {
    let orphans = 0
    await this.#eachKey('o', async (key) => {
      const [, filename = '', short = ''] = /\}:(.*):([0-9a-f]{32}):[cp]$/s.exec(key) ?? []
      if (await this.#store.call(['HEXISTS', this.#keys.of(filename).file, short]) === 1) return
      orphans++
      await this.#store.call(['DEL', key])
    })
    return orphans
  }

  async #eachKey (kind: 'f' | 'o', work: (key: string) => Promise<void>): Promise<void> {
    for await (const page of this.#store.scan(this.#keys.all(kind))) await eachInFlight(page, WRITES_IN_FLIGHT, work)
  }
}
