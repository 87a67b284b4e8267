/** What stands in Redis of a tracker itself: what it tells people who look there, and what all that share the registry are known by. */
import { randomBytes } from 'node:crypto'
import { formatAddress, type Address } from '../protocol/address.js'
import { NET_BYTES } from '../protocol/limits.js'
import type { Keys } from './keys.js'
import { TOLD_MS } from './limits.js'
import type { Store } from './store.js'

const NET = new RegExp(`^[0-9a-f]{${2 * NET_BYTES}}$`)

export interface TrackerFigures {
  nodes: number
  records: number
  degraded?: boolean
}

export class StoredTracker {
  readonly #store: Store
  readonly #keys: Keys
  readonly #version: string | undefined
  address: Address | undefined
  #net = randomBytes(NET_BYTES).toString('hex')

  constructor (store: Store, keys: Keys, version: string | undefined) {
    this.#store = store
    this.#keys = keys
    this.#version = version
  }

  /** Its own until it was agreed on. */
  get net (): string {
    return this.#net
  }

  /** Whoever comes first says it. After a loss of all data each says what it was, so that it stays the same. @throws E_REGISTRY */
  async agreeOnNet (): Promise<void> {
    const there = await this.#store.call(['SET', this.#keys.net, this.#net, 'NX', 'GET'])
    if (typeof there === 'string' && NET.test(there)) this.#net = there
  }

  /** @throws E_REGISTRY */
  async tell (token: string, figures: TrackerFigures): Promise<void> {
    const told = { ...(this.address && { address: formatAddress(this.address) }), version: this.#version, ...figures }
    await this.#store.call(['SET', this.#keys.tracker(token), JSON.stringify(told), 'PX', TOLD_MS])
  }
}
