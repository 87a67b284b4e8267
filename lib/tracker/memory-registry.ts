/** The registry of a single tracker: plain maps, rebuilt by the nodes themselves after a restart. */
import { randomBytes } from 'node:crypto'
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { HANDOVERS, HANDOVERS_MS, NET_BYTES, RECORDS_PER_TRACKER, SHARES_PER_NODE, VERSIONS_PER_REPLY } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { TrackerSizes } from '../metrics/tracker-metrics.js'
import { Answers } from './answers.js'
import { Catalogue } from './catalogue.js'
import { Edition, olderOf } from './edition.js'
import { Member } from './member.js'
import type { Place } from './reachability.js'
import type { Found, Listing, Membership, OwnerQuestion, OwnerRecord, Registry } from './registry.js'

export interface MemoryRegistryLimits {
  sharesPerNode: number
  records: number
}

export class MemoryRegistry implements Registry {
  readonly net = randomBytes(NET_BYTES).toString('hex')
  readonly #limits: MemoryRegistryLimits
  readonly #now: () => number
  /** By name. */
  readonly #nodes = new Map<string, Member>()
  readonly #catalogue = new Catalogue()
  readonly #answers = new Answers()
  #records = 0

  constructor (limits: Partial<MemoryRegistryLimits> = {}, now: () => number = () => performance.now()) {
    this.#now = now
    this.#limits = { sharesPerNode: SHARES_PER_NODE, records: RECORDS_PER_TRACKER, ...limits }
  }

  get isDegraded (): boolean {
    return false
  }

  async open (): Promise<void> {}
  listens (): void {}
  async close (): Promise<void> {}

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
    this.#nodes.set(node, new Member(node, membership, changedMs))
    older?.membership?.onReplaced()
  }

  async leave (node: string): Promise<void> {
    this.#remove(node)
  }

  async have (node: string, record: OwnerRecord): Promise<void> {
    const member = this.#nodes.get(node)
    if (member === undefined) throw new Error(`${node} has not joined`)
    if (!member.shares.has(record.filename)) this.#throwOnLimit(node, member.shares.size)
    this.#forget(member, record.filename)
    let edition = this.#catalogue.find(record.filename, record.digest)
    if (edition === undefined) {
      edition = new Edition(record)
      this.#catalogue.add(edition)
    }
    edition.add(member.holder(record, record, edition.claimOf(record)))
    this.#answers.forget(edition)
    // The edition's name, so that all records of a file have one string between them.
    member.shares.set(edition.filename, edition)
    this.#records++
  }

  async move (node: string, place: Place): Promise<void> {
    const member = this.#nodes.get(node)
    for (const edition of member?.shares.values() ?? []) {
      const holder = edition.holderOf(node)
      if (member === undefined || holder === undefined) continue
      edition.remove(holder)
      edition.add(member.holder(place, { ...holder.owner, origin: holder.isOrigin }, holder.claim))
      this.#answers.forget(edition)
    }
  }

  async withdraw (node: string, filename: string): Promise<void> {
    const member = this.#nodes.get(node)
    if (member !== undefined) this.#forget(member, filename)
  }

  async owners ({ filename, asker, digestPrefix }: OwnerQuestion): Promise<Found> {
    const all = this.#catalogue.named(filename)
    const editions = digestPrefix === undefined ? withoutOlder(all) : all.filter(({ digest }) => digest.startsWith(digestPrefix))
    if (editions.length > 1) {
      throw new ConflictError(`there are ${editions.length} different contents named ${quote(filename)}`, editions.slice(0, VERSIONS_PER_REPLY).map(({ content: { digest, size }, owners }) => ({ digest, size, owners })))
    }
    const found = editions[0] && this.#answers.answer(editions[0], asker)
    if (found === undefined || found.owners.length === 0) throw new PiecemealError('E_NO_OWNER', `nobody owns ${quote(filename)}`)
    return found
  }

  async list (prefix: string, most: number): Promise<Listing> {
    const files = []
    for (const editions of this.#catalogue.beginningWith(prefix)) {
      const older = olderOf(editions)
      for (const edition of editions) {
        if (files.length === most) return { files, truncated: true }
        const { filename, content: { pieceLength: _impliedBySize, ...content }, owners, told, since } = edition
        files.push({ filename, ...content, owners, since, ...told, ...(older.has(edition) && { older: true }) })
      }
    }
    return { files, truncated: false }
  }

  async sizes (): Promise<TrackerSizes> {
    return { files: this.#catalogue.size, records: this.#records }
  }

  sharesOf (node: string): number {
    return this.#nodes.get(node)?.shares.size ?? 0
  }

  /** What the node has under that name. */
  recordOf (node: string, filename: string): OwnerRecord | undefined {
    const edition = this.#nodes.get(node)?.shares.get(filename)
    const holder = edition?.holderOf(node)
    return holder && edition?.recordOf(holder)
  }

  * recordsOf (node: string): Generator<OwnerRecord> {
    for (const filename of this.#nodes.get(node)?.shares.keys() ?? []) {
      const record = this.recordOf(node, filename)
      if (record !== undefined) yield record
    }
  }

  /** Of all nodes, as they are when it comes to them. */
  * records (): Generator<[node: string, record: OwnerRecord]> {
    for (const node of this.#nodes.keys()) for (const record of this.recordsOf(node)) yield [node, record]
  }

  #remove (node: string): void {
    const member = this.#nodes.get(node)
    if (member === undefined) return
    for (const filename of member.shares.keys()) this.#forget(member, filename)
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

  #forget (member: Member, filename: string): void {
    const edition = member.shares.get(filename)
    const holder = edition?.holderOf(member.name)
    if (edition === undefined || holder === undefined) return
    member.shares.delete(filename)
    this.#records--
    edition.remove(holder)
    this.#answers.forget(edition)
    if (edition.owners === 0) this.#catalogue.delete(edition)
  }
}

function withoutOlder (editions: readonly Edition[]): readonly Edition[] {
  const older = olderOf(editions)
  return older.size === 0 ? editions : editions.filter((edition) => !older.has(edition))
}
