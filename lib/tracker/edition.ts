/** One content under a name: who has it, and what they say beside its digest. */
import type { Content } from '../protocol/content.js'
import { OWNERS_PER_REPLY, REPLACED_DIGESTS } from '../protocol/limits.js'
import { SampleMap } from './sample-map.js'
import type { Found, Owner, OwnerRecord } from './registry.js'

/** So many questions in a row get the same order of owners, where all are told: when a whole lab asks at once, the answer is at hand. */
const QUESTIONS_PER_ORDER = 8

/** What a record says beside the digest; records of one digest may differ in it. */
export type Claim = Pick<OwnerRecord, 'size' | 'pieceLength' | 'complete' | 'origin' | 'replaces'>

interface Votes {
  pieceLength: number
  complete: number
  partial: number
}

export class Edition {
  readonly #filename: string
  readonly #complete = new SampleMap<string, Owner>()
  readonly #partial = new SampleMap<string, Owner>()
  #content: Content
  /** By size, which leaves no choice of piece length; none while all owners agree. */
  #votes: Map<number, Votes> | undefined
  #origins = 0
  /** Digest → how many records name it in `replaces`. */
  #replaced: Map<string, number> | undefined
  /** The last answer that names all owners, until they change, and how often it was given. */
  #answer: { found: Found, times: number } | undefined

  constructor (filename: string, { size, digest, pieceLength }: Content) {
    this.#filename = filename
    this.#content = { size, digest, pieceLength }
  }

  /** With the size that most owners give, complete ones first: a hint, for the digest alone says what it is. */
  get content (): Content {
    return this.#content
  }

  get owners (): number {
    return this.#complete.size + this.#partial.size
  }

  /** Whether a node that is still there has uploaded it. */
  get hasOrigin (): boolean {
    return this.#origins > 0
  }

  /** What its owners say that it takes the place of. */
  get replaces (): string[] {
    return [...this.#replaced?.keys() ?? []]
  }

  /** The same as a field of a reply, where there is anything to say. */
  get told (): { replaces?: string[] } {
    return this.#replaced === undefined || this.#replaced.size === 0 ? {} : { replaces: this.replaces.slice(0, REPLACED_DIGESTS) }
  }

  add (owner: Owner, claim: Claim): void {
    this.#answer = undefined
    this.#vote(claim, 1)
    ;(claim.complete ? this.#complete : this.#partial).set(owner.name, owner)
    if (claim.origin === true) this.#origins++
    for (const digest of claim.replaces ?? []) {
      this.#replaced ??= new Map()
      this.#replaced.set(digest, (this.#replaced.get(digest) ?? 0) + 1)
    }
  }

  /** The same owner, at another place. */
  move (owner: Owner): void {
    this.#answer = undefined
    ;(owner.complete ? this.#complete : this.#partial).set(owner.name, owner)
  }

  /** @param claim as it was added */
  remove (node: string, claim: Claim): void {
    this.#answer = undefined
    this.#complete.delete(node)
    this.#partial.delete(node)
    this.#vote(claim, -1)
    if (claim.origin === true) this.#origins--
    for (const digest of claim.replaces ?? []) {
      const left = (this.#replaced?.get(digest) ?? 0) - 1
      if (left > 0) this.#replaced?.set(digest, left)
      else this.#replaced?.delete(digest)
    }
  }

  /** The content and at most 50 owners, never the asker. */
  find (asker: string): Found {
    const namesAll = this.owners <= OWNERS_PER_REPLY && !this.#complete.has(asker) && !this.#partial.has(asker)
    const answer = this.#answer
    if (namesAll && answer && answer.times < QUESTIONS_PER_ORDER) {
      answer.times++
      return answer.found
    }
    const found = { filename: this.#filename, ...this.#content, owners: this.#sample(asker), ...this.told }
    if (namesAll) this.#answer = { found, times: 1 }
    return found
  }

  #sample (asker: string): Owner[] {
    const owners = this.#complete.sample(OWNERS_PER_REPLY, asker)
    return owners.length < OWNERS_PER_REPLY ? [...owners, ...this.#partial.sample(OWNERS_PER_REPLY - owners.length, asker)] : owners
  }

  /** Counted once somebody says another size than the first: a digest has one, so that is a lie or a slip. */
  #vote ({ size, pieceLength, complete }: Claim, change: 1 | -1): void {
    if (this.#votes === undefined) {
      if (size === this.#content.size) return
      this.#votes = new Map([[this.#content.size, { pieceLength: this.#content.pieceLength, complete: this.#complete.size, partial: this.#partial.size }]])
    }
    const votes = this.#votes.get(size) ?? { pieceLength, complete: 0, partial: 0 }
    votes[complete ? 'complete' : 'partial'] += change
    if (votes.complete + votes.partial > 0) this.#votes.set(size, votes)
    else this.#votes.delete(size)
    this.#count(this.#votes)
  }

  #count (votes: ReadonlyMap<number, Votes>): void {
    const [first, ...others] = votes
    if (first === undefined) return
    let [size, most] = first
    for (const [otherSize, other] of others) {
      if (other.complete > most.complete || (other.complete === most.complete && other.partial > most.partial)) [size, most] = [otherSize, other]
    }
    this.#content = { ...this.#content, size, pieceLength: most.pieceLength }
    if (others.length === 0) this.#votes = undefined
  }
}

/**
 * The editions that are older: a record of another content replaces them, and no node that is there
 * has uploaded them. Where that is true of all editions none of them counts as older.
 */
export function olderOf (editions: readonly Edition[]): ReadonlySet<Edition> {
  if (editions.length < 2) return NONE
  // Of each digest that is named: by which edition, if by a single one.
  const namedBy = new Map<string, Edition | 'several'>()
  for (const edition of editions) {
    for (const digest of edition.replaces) namedBy.set(digest, namedBy.has(digest) ? 'several' : edition)
  }
  const older = editions.filter((edition) => {
    const by = namedBy.get(edition.content.digest)
    return by !== undefined && by !== edition && !edition.hasOrigin
  })
  return older.length === editions.length ? NONE : new Set(older)
}

const NONE: ReadonlySet<Edition> = new Set()
