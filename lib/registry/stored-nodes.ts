/** What stands in Redis of the nodes that are connected to this tracker: their names, and what they own. */
import { createHash } from 'node:crypto'
import { PiecemealError } from '../protocol/errors.js'
import { HANDOVERS, HANDOVERS_MS } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Membership, OwnerRecord } from '../tracker/registry.js'
import { claimText } from './edition-text.js'
import { shortDigest, type Keys } from './keys.js'
import type { Lease } from './lease.js'
import { list, unlistIfGone } from './listing.js'
import { encodeOwner, TOKEN_CHARACTERS } from './owner-text.js'
import { claim } from './scripts/claim.js'
import { free } from './scripts/free.js'
import { have } from './scripts/have.js'
import { withdraw } from './scripts/withdraw.js'
import type { CallOptions, Store } from './store.js'

/** A connection's hold of a name. */
export interface Hold {
  node: string
  /** Its number, in base 36. */
  connection: string
  /** A hash of its session, `-` without one. */
  session: string
  membership: Membership | undefined
  /** `TOKEN CONNECTION`, as Redis has it; undefined where Redis was away when it joined. */
  claimedAs: string | undefined
  /** What was asked for last: Redis may have done it, though its answer came too late. */
  askedAs?: string
}

export interface StoredNodesOptions {
  store: Store
  keys: Keys
  lease: Pick<Lease, 'token' | 'isDead' | 'missed'>
  /** How long a name stays that nobody claims again. */
  nameMs: number
  /** For tests. @default Redis' own clock */
  now?: (() => number) | undefined
}

export class StoredNodes {
  readonly #options: StoredNodesOptions

  constructor (options: StoredNodesOptions) {
    this.#options = options
  }

  /** @returns whether the name is this connection's; @throws E_REGISTRY */
  async claim (hold: Hold, options?: CallOptions): Promise<boolean> {
    const { store, keys, lease, nameMs, now } = this.#options
    // One that has had its name, or should have, does not take it from a connection that came later.
    const maySucceed = hold.claimedAs === undefined ? 1 : 0
    const owner = this.#ownerOf(hold)
    let expected = hold.claimedAs ?? hold.askedAs ?? ''
    hold.askedAs = owner
    for (let times = 0; times < 2; times++) {
      const holder = await store.run(claim, [keys.node(hold.node)], [owner, hold.session, expected, maySucceed, HANDOVERS, HANDOVERS_MS, nameMs, now?.() ?? ''], options)
      if (holder === 'ok') {
        hold.claimedAs = owner
        return true
      }
      if (!await lease.isDead(holder.slice(0, TOKEN_CHARACTERS))) return false
      expected = holder
    }
    return false
  }

  /** @throws E_REGISTRY */
  async free ({ node, claimedAs }: Hold, options?: CallOptions): Promise<void> {
    const { store, keys } = this.#options
    if (claimedAs !== undefined) await store.run(free, [keys.node(node)], [`${claimedAs} `], options)
  }

  /**
   * @param former the digest of what the node had under that name
   * @throws E_REGISTRY; E_LIMIT, E_DIGEST for what can't be kept
   */
  async write (hold: Hold, record: OwnerRecord, former?: string, options?: CallOptions): Promise<void> {
    const { store, keys } = this.#options
    const { filename, digest, complete } = record
    const ofFile = keys.of(filename)
    const all = [ofFile.file, ...keys.ownersOf(ofFile, digest), ...former === undefined ? [] : keys.ownersOf(ofFile, former)]
    const text = encodeOwner(this.#ownerOf(hold), record)
    const outcome = await store.run(have, all, [
      shortDigest(digest), digest.slice(digest.indexOf(':') + 1), hold.node, text, complete ? 1 : 2, claimText(record), former === undefined ? '' : shortDigest(former),
    ], options)
    if (outcome === 'other') throw new PiecemealError('E_DIGEST', `another content of ${quote(filename)} has a digest that begins like ${digest}`)
    if (outcome === 'full') throw new PiecemealError('E_LIMIT', `its owners say too many different things of ${quote(filename)}`)
    // Whoever lists files from here on asks after this was sent.
    if (outcome === 'new') list(store, ofFile, filename).catch(() => this.#options.lease.missed('the name of a file'))
  }

  /** With its name, which may be what is missing. @throws as `write` does */
  async rewrite (hold: Hold, record: OwnerRecord): Promise<void> {
    await this.write(hold, record)
    await list(this.#options.store, this.#options.keys.of(record.filename), record.filename)
  }

  /** @throws E_REGISTRY */
  async withdraw (hold: Hold, { filename, digest }: Pick<OwnerRecord, 'filename' | 'digest'>, options?: CallOptions): Promise<void> {
    const { store, keys } = this.#options
    const ofFile = keys.of(filename)
    const left = await store.run(withdraw, [ofFile.file, ...keys.ownersOf(ofFile, digest)], [shortDigest(digest), hold.node, `${this.#ownerOf(hold)} `], options)
    if (left === 'gone') await unlistIfGone(store, keys, filename)
  }

  #ownerOf ({ connection }: Hold): string {
    return `${this.#options.lease.token} ${connection}`
  }
}

/** Whoever reads Redis can't take a name with it. */
export function sessionHash (session: string | undefined): string {
  return session === undefined ? '-' : createHash('sha256').update(session).digest('base64url')
}
