/** What Redis has of one content under a name, as the scripts write it: its digest, and how many owners say what of it. */
import { DIGEST_PREFIX, type Content, type FolderExtent } from '../protocol/content.js'
import { REPLACED_DIGESTS } from '../protocol/limits.js'
import { contentOf, hintsOf, keyOf, type Hints } from '../tracker/hint-votes.js'
import type { OwnerRecord } from '../tracker/registry.js'

/** What an owner says beside the digest. */
interface Said {
  hints: Hints
  replaces: readonly string[]
}

interface Claim extends Said {
  complete: number
  partial: number
  origins: number
}

/** One word, the same for all who say the same. */
export function claimText (record: OwnerRecord): string {
  const { replaces = [] } = record
  return JSON.stringify(replaces.length === 0 ? [hintsOf(record)] : [hintsOf(record), replaces])
}

export class EditionText {
  readonly digest: string
  /** When the first announced it, in seconds of Redis' clock. */
  readonly since: number
  /** What the line begins with: another one after any change of who owns it, or how. */
  readonly version: string
  readonly #claims: Claim[]

  constructor (line: string) {
    const [digest = '', since, version = '', ...words] = line.split(' ')
    this.digest = `${DIGEST_PREFIX}${digest}`
    this.since = Number(since)
    this.version = `${digest} ${since ?? ''} ${version} `
    this.#claims = []
    for (let i = 0; i + 3 < words.length; i += 4) {
      const [complete, partial, origins] = [Number(words[i]), Number(words[i + 1]), Number(words[i + 2])]
      if (complete + partial > 0) this.#claims.push({ ...parseClaim(words[i + 3] as string), complete, partial, origins })
    }
  }

  get owners (): number {
    return this.#claims.reduce((sum, { complete, partial }) => sum + complete + partial, 0)
  }

  get hasOrigin (): boolean {
    return this.#claims.some(({ origins }) => origins > 0)
  }

  get replaces (): string[] {
    return [...new Set(this.#claims.flatMap(({ replaces }) => replaces))]
  }

  /** The same as a field of a reply, where there is anything to say. */
  get told (): { replaces?: string[] } {
    if (this.#claims.every(({ replaces }) => replaces.length === 0)) return {}
    const { replaces } = this
    return replaces.length === 0 ? {} : { replaces: replaces.slice(0, REPLACED_DIGESTS) }
  }

  /** As most complete owners say, or most of the others where those are even: hints, for the digest alone says what it is. */
  get content (): Content & FolderExtent {
    return contentOf(this.digest, mostSaid(this.#claims))
  }
}

function mostSaid (claims: readonly Claim[]): Hints {
  const [first] = claims
  if (first !== undefined && claims.length === 1) return first.hints
  const votes = new Map<string | number, { hints: Hints, complete: number, partial: number }>()
  for (const { hints, complete, partial } of claims) {
    const so = votes.get(keyOf(hints)) ?? { complete: 0, partial: 0 }
    votes.set(keyOf(hints), { hints, complete: so.complete + complete, partial: so.partial + partial })
  }
  const [most] = [...votes.values()].sort((a, b) => b.complete - a.complete || b.partial - a.partial)
  return most?.hints ?? 0
}

function parseClaim (text: string): Said {
  const [hints, replaces = []] = JSON.parse(text) as [Hints, string[]?]
  return { hints, replaces }
}
