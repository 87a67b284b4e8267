/** The registry of a single tracker: plain maps, rebuilt by the nodes themselves after a restart. */
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { OWNERS_PER_REPLY, RECORDS_PER_TRACKER, SHARES_PER_NODE, VERSIONS_PER_REPLY } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { SampleMap } from './sample-map.js'
import type { Found, Listing, Owner, OwnerQuestion, OwnerRecord, Registry } from './registry.js'
import type { Content } from '../protocol/content.js'

export interface MemoryRegistryLimits {
  sharesPerNode: number
  records: number
}

/** So many questions in a row get the same order of owners, where all are told: when a whole lab asks at once, the answer is at hand. */
const QUESTIONS_PER_ORDER = 8

/** One content under a name; its owners by node name. */
interface Edition {
  content: Content
  complete: SampleMap<string, Owner>
  partial: SampleMap<string, Owner>
  /** The last answer that names them all, until they change, and how often it was given. */
  answer?: { found: Found, times: number } | undefined
}

export class MemoryRegistry implements Registry {
  readonly #limits: MemoryRegistryLimits
  /** node name → file name → digest */
  readonly #nodes = new Map<string, Map<string, string>>()
  /** file name → digest → edition */
  readonly #files = new Map<string, Map<string, Edition>>()
  #records = 0

  constructor (limits: Partial<MemoryRegistryLimits> = {}) {
    this.#limits = { sharesPerNode: SHARES_PER_NODE, records: RECORDS_PER_TRACKER, ...limits }
  }

  async join (node: string): Promise<void> {
    if (this.#nodes.has(node)) throw new PiecemealError('E_NAME_TAKEN', `a live node has the name ${quote(node)}`)
    this.#nodes.set(node, new Map())
  }

  async leave (node: string): Promise<void> {
    for (const filename of this.#nodes.get(node)?.keys() ?? []) this.#forget(node, filename)
    this.#nodes.delete(node)
  }

  async have (node: string, record: OwnerRecord): Promise<void> {
    const { filename, size, digest, pieceLength, complete, host, inputPort, outputPort } = record
    const shares = this.#nodes.get(node)
    if (shares === undefined) throw new Error(`${node} has not joined`)
    if (!shares.has(filename)) this.#throwOnLimit(node, shares.size)
    this.#forget(node, filename)

    const editions = getOrAdd(this.#files, filename, () => new Map<string, Edition>())
    const edition = getOrAdd(editions, digest, (): Edition => ({
      content: { size, digest, pieceLength }, complete: new SampleMap(), partial: new SampleMap(),
    }))
    const owner = { name: node, host, inputPort, outputPort, complete }
    edition.answer = undefined
    if (complete) edition.complete.set(node, owner)
    else edition.partial.set(node, owner)
    shares.set(filename, digest)
    this.#records++
  }

  async withdraw (node: string, filename: string): Promise<void> {
    this.#forget(node, filename)
  }

  async owners ({ filename, asker, digestPrefix = '' }: OwnerQuestion): Promise<Found> {
    const editions = [...this.#files.get(filename)?.values() ?? []].filter(({ content }) => content.digest.startsWith(digestPrefix))
    if (editions.length > 1) {
      throw new ConflictError(`there are ${editions.length} different contents named ${quote(filename)}`, editions.slice(0, VERSIONS_PER_REPLY).map((edition) => ({
        digest: edition.content.digest, size: edition.content.size, owners: ownerCount(edition),
      })))
    }
    const found = editions[0] && find(editions[0], filename, asker)
    if (found === undefined || found.owners.length === 0) throw new PiecemealError('E_NO_OWNER', `nobody owns ${quote(filename)}`)
    return found
  }

  async list (prefix: string, most: number): Promise<Listing> {
    const files = []
    for (const [filename, editions] of this.#files) {
      if (!filename.startsWith(prefix)) continue
      for (const edition of editions.values()) {
        if (files.length === most) return { files, truncated: true }
        const { size, digest } = edition.content
        files.push({ filename, size, digest, owners: ownerCount(edition) })
      }
    }
    return { files, truncated: false }
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
    const shares = this.#nodes.get(node)
    const digest = shares?.get(filename)
    if (shares === undefined || digest === undefined) return
    shares.delete(filename)
    this.#records--
    const editions = this.#files.get(filename)
    const edition = editions?.get(digest)
    if (editions === undefined || edition === undefined) return
    edition.answer = undefined
    edition.complete.delete(node)
    edition.partial.delete(node)
    if (ownerCount(edition) > 0) return
    editions.delete(digest)
    if (editions.size === 0) this.#files.delete(filename)
  }
}

function ownerCount ({ complete, partial }: Edition): number {
  return complete.size + partial.size
}

function find (edition: Edition, filename: string, asker: string): Found {
  const { answer, content, complete, partial } = edition
  const namesAll = ownerCount(edition) <= OWNERS_PER_REPLY && !complete.has(asker) && !partial.has(asker)
  if (namesAll && answer && answer.times < QUESTIONS_PER_ORDER) {
    answer.times++
    return answer.found
  }
  const found = { filename, ...content, owners: sampleOwners(edition, asker) }
  if (namesAll) edition.answer = { found, times: 1 }
  return found
}

function sampleOwners ({ complete, partial }: Edition, asker: string): Owner[] {
  const owners = complete.sample(OWNERS_PER_REPLY, asker)
  return owners.length < OWNERS_PER_REPLY ? [...owners, ...partial.sample(OWNERS_PER_REPLY - owners.length, asker)] : owners
}

function getOrAdd<K, V> (map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
