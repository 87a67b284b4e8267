/** The registry of a single tracker: plain maps, rebuilt by the nodes themselves after a restart. */
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { HANDOVERS, HANDOVERS_MS, RECORDS_PER_TRACKER, SHARES_PER_NODE, VERSIONS_PER_REPLY } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { Edition, olderOf, type Claim } from './edition.js'
import type { Place } from './reachability.js'
import type { Found, Listing, Membership, OwnerQuestion, OwnerRecord, Registry } from './registry.js'

export interface MemoryRegistryLimits {
  sharesPerNode: number
  records: number
}

/** A node that is there. */
interface Member {
  membership: Membership | undefined
  /** File name → what it has under it. */
  shares: Map<string, Held>
  /** When its name went from one connection to the next, lately. */
  changedMs: number[]
}

interface Held {
  edition: Edition
  claim: Claim
}

export class MemoryRegistry implements Registry {
  readonly #limits: MemoryRegistryLimits
  readonly #now: () => number
  /** By name. */
  readonly #nodes = new Map<string, Member>()
  /** file name → digest → edition */
  readonly #files = new Map<string, Map<string, Edition>>()
  #records = 0

  constructor (limits: Partial<MemoryRegistryLimits> = {}, now: () => number = () => performance.now()) {
    this.#now = now
    this.#limits = { sharesPerNode: SHARES_PER_NODE, records: RECORDS_PER_TRACKER, ...limits }
  }

  async join (node: string, membership?: Membership): Promise<void> {
    const older = this.#nodes.get(node)
    const nowMs = this.#now()
    const changedMs = older?.changedMs.filter((ms) => nowMs - ms < HANDOVERS_MS) ?? []
    if (older) {
      const isSameSession = membership?.session !== undefined && membership.session === older.membership?.session
      if (!isSameSession || changedMs.length >= HANDOVERS) throw new PiecemealError('E_NAME_TAKEN', `a live node has the name ${quote(node)}`)
      changedMs.push(nowMs)
      this.#remove(node)
    }
    this.#nodes.set(node, { membership, shares: new Map(), changedMs })
    older?.membership?.onReplaced()
  }

  async leave (node: string): Promise<void> {
    this.#remove(node)
  }

  async have (node: string, record: OwnerRecord): Promise<void> {
    const { filename, size, digest, pieceLength, complete, host, inputPort, outputPort, origin, replaces } = record
    const shares = this.#nodes.get(node)?.shares
    if (shares === undefined) throw new Error(`${node} has not joined`)
    if (!shares.has(filename)) this.#throwOnLimit(node, shares.size)
    this.#forget(node, filename)

    const editions = getOrAdd(this.#files, filename, () => new Map<string, Edition>())
    const edition = getOrAdd(editions, digest, () => new Edition(filename, record))
    const claim = { size, pieceLength, complete, origin, replaces }
    edition.add({ name: node, host, inputPort, outputPort, complete }, claim)
    shares.set(filename, { edition, claim })
    this.#records++
  }

  async move (node: string, place: Place): Promise<void> {
    for (const { edition, claim } of this.#nodes.get(node)?.shares.values() ?? []) edition.move({ name: node, ...place, complete: claim.complete })
  }

  async withdraw (node: string, filename: string): Promise<void> {
    this.#forget(node, filename)
  }

  async owners ({ filename, asker, digestPrefix }: OwnerQuestion): Promise<Found> {
    const all = [...this.#files.get(filename)?.values() ?? []]
    const editions = digestPrefix === undefined ? withoutOlder(all) : all.filter(({ content }) => content.digest.startsWith(digestPrefix))
    if (editions.length > 1) {
      throw new ConflictError(`there are ${editions.length} different contents named ${quote(filename)}`, editions.slice(0, VERSIONS_PER_REPLY).map(({ content, owners }) => ({
        digest: content.digest, size: content.size, owners,
      })))
    }
    const found = editions[0]?.find(asker)
    if (found === undefined || found.owners.length === 0) throw new PiecemealError('E_NO_OWNER', `nobody owns ${quote(filename)}`)
    return found
  }

  async list (prefix: string, most: number): Promise<Listing> {
    const files = []
    for (const [filename, editions] of this.#files) {
      if (!filename.startsWith(prefix)) continue
      const older = editions.size > 1 ? olderOf([...editions.values()]) : undefined
      for (const edition of editions.values()) {
        if (files.length === most) return { files, truncated: true }
        const { content: { size, digest }, owners } = edition
        files.push({ filename, size, digest, owners, ...edition.told, ...(older?.has(edition) && { older: true }) })
      }
    }
    return { files, truncated: false }
  }

  #remove (node: string): void {
    for (const filename of this.#nodes.get(node)?.shares.keys() ?? []) this.#forget(node, filename)
    this.#nodes.delete(node)
  }

  #throwOnLimit (node: string, shares: number): void {
    if (shares >= this.#limits.sharesPerNode) {
      throw new PiecemealError('E_LIMIT', `${quote(node)} shares ${shares} files, the most a node may share`)
    }
    if (this.#records >= this.#limits.records) {
      throw new PiecemealError('E_LIMIT', `the tracker holds ${this.#records} owner records, the most it may hold`)
    }
  }

  #forget (node: string, filename: string): void {
    const shares = this.#nodes.get(node)?.shares
    const held = shares?.get(filename)
    if (shares === undefined || held === undefined) return
    shares.delete(filename)
    this.#records--
    const { edition, claim } = held
    edition.remove(node, claim)
    if (edition.owners > 0) return
    const editions = this.#files.get(filename)
    editions?.delete(edition.content.digest)
    if (editions?.size === 0) this.#files.delete(filename)
  }
}

function withoutOlder (editions: readonly Edition[]): readonly Edition[] {
  const older = olderOf(editions)
  return older.size === 0 ? editions : editions.filter((edition) => !older.has(edition))
}

function getOrAdd<K, V> (map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
