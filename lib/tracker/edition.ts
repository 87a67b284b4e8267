/** One content under a name: who has it, and what they say beside its digest. */
import { DIGEST_PREFIX, type Content, type FolderExtent } from '../protocol/content.js'
import { OWNERS_PER_REPLY, REPLACED_DIGESTS } from '../protocol/limits.js'
import { contentOf, hintsOf, HintVotes, keyOf, type Hints } from './hint-votes.js'
import { NOBODY, type Claim, type Holder } from './holders.js'
import type { Found, OwnerRecord } from './registry.js'

export class Edition {
  readonly filename: string
  /** As `packed` makes it: of each content there is one, and there are a million. */
  readonly #digest: string
  /** As the first said. */
  readonly #hints: Hints
  /** When it was first announced, in seconds of the Unix clock. */
  readonly since = Math.floor(Date.now() / 1_000)
  #holders = NOBODY
  #claims: Claims | undefined

  constructor (record: OwnerRecord) {
    this.filename = record.filename
    this.#digest = packed(record.digest)
    this.#hints = hintsOf(record)
  }

  get digest (): string {
    return `${DIGEST_PREFIX}${Buffer.from(this.#digest, 'latin1').toString('hex')}`
  }

  /** As most owners say, complete ones first: hints, for the digest alone says what it is. */
  get content (): Content & FolderExtent {
    return contentOf(this.digest, this.#claims?.hints.most(this.#hints, this.#holders) ?? this.#hints)
  }

  get owners (): number {
    return this.#holders.size
  }

  /** Whether a node that is still there has uploaded it. */
  get hasOrigin (): boolean {
    return this.#holders.origins > 0
  }

  /** What its owners say that it takes the place of. */
  get replaces (): string[] {
    return [...this.#claims?.replaced.keys() ?? []]
  }

  /** The same as a field of a reply, where there is anything to say. */
  get told (): { replaces?: string[] } {
    const { replaces } = this
    return replaces.length === 0 ? {} : { replaces: replaces.slice(0, REPLACED_DIGESTS) }
  }

  is (digest: string): boolean {
    return this.#digest === packed(digest)
  }

  /** What a record says that goes for this edition alone, if there is anything. */
  claimOf (record: OwnerRecord): Claim | undefined {
    const { replaces = [] } = record
    const hints = hintsOf(record)
    const isOther = keyOf(hints) !== keyOf(this.#hints)
    return isOther || replaces.length > 0 ? { ...(isOther && { hints }), replaces } : undefined
  }

  holderOf (node: string): Holder | undefined {
    return this.#holders.find(node)
  }

  /** What a holder has said of it. */
  recordOf ({ owner: { name: _itself, ...place }, isOrigin, claim }: Holder): OwnerRecord {
    return {
      filename: this.filename,
      ...contentOf(this.digest, claim?.hints ?? this.#hints),
      ...place,
      ...(isOrigin && { origin: true }),
      ...(claim?.replaces && claim.replaces.length > 0 && { replaces: claim.replaces }),
    }
  }

  add (holder: Holder): void {
    this.#holders = this.#holders.with(holder)
    if (holder.claim !== undefined) (this.#claims ??= new Claims()).count(holder, 1)
  }

  remove (holder: Holder): void {
    this.#holders = this.#holders.without(holder)
    this.#claims?.count(holder, -1)
    if (this.#claims?.isEmpty === true) this.#claims = undefined
  }

  /** The content and at most 50 owners, never the asker. */
  find (asker: string): Found {
    return { filename: this.filename, ...this.content, owners: this.#holders.sample(OWNERS_PER_REPLY, asker), since: this.since, ...this.told }
  }

  /** Whether an answer to this node would name all owners. */
  namesAllTo (asker: string): boolean {
    return this.owners <= OWNERS_PER_REPLY && this.#holders.find(asker) === undefined
  }
}

/** What some of its holders say that not all do. */
class Claims {
  readonly hints = new HintVotes()
  /** Digest → how many records name it in `replaces`. */
  readonly replaced = new Map<string, number>()

  get isEmpty (): boolean {
    return this.hints.isEmpty && this.replaced.size === 0
  }

  count ({ claim, owner }: Holder, change: 1 | -1): void {
    if (claim?.hints !== undefined) this.hints.count(claim.hints, owner, change)
    for (const digest of claim?.replaces ?? []) {
      const records = (this.replaced.get(digest) ?? 0) + change
      if (records > 0) this.replaced.set(digest, records)
      else this.replaced.delete(digest)
    }
  }
}

/** 32 characters of a byte each: 48 bytes of memory instead of 88. */
function packed (digest: string): string {
  return Buffer.from(digest.slice(DIGEST_PREFIX.length), 'hex').toString('latin1')
}

/**
 * The editions that are older: a record of another content replaces them, and no node that is there
 * has uploaded them. Where that is true of all editions none of them counts as older.
 */
export function olderOf<Version extends Pick<Edition, 'digest' | 'replaces' | 'hasOrigin'>> (editions: readonly Version[]): ReadonlySet<Version> {
  if (editions.length < 2) return new Set()
  // Of each digest that is named: by which edition, if by a single one.
  const namedBy = new Map<string, Version | 'several'>()
  for (const edition of editions) {
    for (const digest of edition.replaces) namedBy.set(digest, namedBy.has(digest) ? 'several' : edition)
  }
  const older = editions.filter((edition) => {
    const by = namedBy.get(edition.digest)
    return by !== undefined && by !== edition && !edition.hasOrigin
  })
  return new Set(older.length === editions.length ? [] : older)
}
