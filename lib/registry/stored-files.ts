/** Who has what, by Redis: questions that take one round trip, two where a name has several contents. */
import { ConflictError, PiecemealError } from '../protocol/errors.js'
import { OWNERS_PER_REPLY, VERSIONS_PER_REPLY } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { eachInFlight } from '../net/in-flight.js'
import { olderOf } from '../tracker/edition.js'
import type { ListedContent, Listing } from '../tracker/registry.js'
import { DrawnAnswer } from './drawn-answers.js'
import { EditionText } from './edition-text.js'
import type { Keys } from './keys.js'
import type { Roster } from './roster.js'
import { OWNERS_DRAWN, OWNERS_DRAWN_AGAIN, WRITES_IN_FLIGHT } from './limits.js'
import { OwnerReader, type DrawnOwner } from './owner-text.js'
import { names } from './scripts/names.js'
import { need } from './scripts/need.js'
import type { CallOptions, Store } from './store.js'

/** Of a digest in Redis' keys, where it stands without its prefix and is cut short. */
const SHORT_FROM = DIGEST_PREFIX.length
const SHORT_TO = SHORT_FROM + 32

export class StoredFiles {
  readonly #store: Store
  readonly #keys: Keys
  readonly #roster: Roster
  readonly #reader = new OwnerReader()

  constructor (store: Store, keys: Keys, roster: Roster) {
    this.#store = store
    this.#keys = keys
    this.#roster = roster
  }

  /**
   * @param digestPrefix without it what is older is passed over @param known the last answer to the same question
   * @throws E_NO_OWNER, E_REGISTRY; ConflictError if several contents are meant.
   */
  async draw (filename: string, digestPrefix: string | undefined, options?: CallOptions, known?: DrawnAnswer): Promise<DrawnAnswer> {
    let reply = await this.#ask(filename, digestPrefix, OWNERS_DRAWN, options, known)
    if (reply.kind === 'several') {
      const { editions } = reply
      const older = digestPrefix === undefined ? olderOf(editions) : new Set()
      const meant = editions.filter((edition) => !older.has(edition) && (digestPrefix === undefined || edition.digest.startsWith(digestPrefix)))
      const [only] = meant
      if (meant.length > 1) throw conflictOf(filename, meant)
      if (only !== undefined) reply = await this.#ask(filename, only.digest, OWNERS_DRAWN, options, known)
    }
    if (reply.kind === 'same') return reply.known.of(this.#livingOf(reply.known.drawn))
    if (reply.kind !== 'one' || !reply.edition.digest.startsWith(digestPrefix ?? '')) throw new PiecemealError('E_NO_OWNER', `nobody owns ${quote(filename)}`)
    let living = this.#livingOf(reply.drawn)
    if (living.length < reply.drawn.length / 2 && living.length < OWNERS_PER_REPLY) {
      const again = await this.#ask(filename, reply.edition.digest, OWNERS_DRAWN_AGAIN, options)
      if (again.kind === 'one') living = this.#livingOf(again.drawn)
    }
    const { edition, drawn } = reply
    // One of many owners are drawn anew each time.
    const version = drawn.length < OWNERS_DRAWN ? edition.version : undefined
    return new DrawnAnswer({ filename, ...edition.content, since: edition.since, ...edition.told }, living, version)
  }

  /** @throws E_REGISTRY */
  async list (prefix: string, most: number, options?: CallOptions): Promise<Listing> {
    const parts = await Promise.all(this.#keys.names.map(async (part) => await this.#store.run(names, [part], [prefix, '', most + 1], options)))
    const filenames = parts.flatMap((part) => part === '' ? [] : part.split('\n')).sort()
    const truncated = filenames.length > most
    const editionsOf = new Map<string, EditionText[]>(filenames.slice(0, most).map((filename) => [filename, []]))
    await eachInFlight(editionsOf.keys(), WRITES_IN_FLIGHT, async (filename) => {
      const lines = await this.#store.call(['HVALS', this.#keys.of(filename).file], options) as string[]
      editionsOf.set(filename, lines.map((line) => new EditionText(line)))
    })
    const files = [...editionsOf].flatMap(([filename, editions]) => listed(filename, editions))
    return files.length > most ? { files: files.slice(0, most), truncated: true } : { files, truncated }
  }

  async #ask (filename: string, digestPrefix: string | undefined, most: number, options: CallOptions | undefined, known?: DrawnAnswer): Promise<Reply> {
    const { file, base } = this.#keys.of(filename)
    const short = digestPrefix?.slice(SHORT_FROM, SHORT_TO) ?? ''
    const reply = await this.#store.run(need, [file], [base, short, most, known?.version ?? ''], options)
    const kind = reply.slice(0, endOfLine(reply, 0))
    if (kind === 'same' && known !== undefined) return { kind, known }
    if (kind === 'several') return { kind, editions: reply.split('\n').slice(1).map((line) => new EditionText(line)) }
    if (kind !== 'one') return { kind: 'none' }
    const end = endOfLine(reply, kind.length + 1)
    return { kind, edition: new EditionText(reply.slice(kind.length + 1, end)), drawn: this.#reader.read(reply, end + 1) }
  }

  #livingOf (drawn: readonly DrawnOwner[]): readonly DrawnOwner[] {
    // There are few trackers.
    let [last, lives] = ['', false]
    const isLiving = ({ token }: DrawnOwner): boolean => {
      if (token !== last) [last, lives] = [token, this.#roster.lives(token)]
      return lives
    }
    return drawn.every(isLiving) ? drawn : drawn.filter(isLiving)
  }
}

type Reply =
  | { kind: 'none' }
  | { kind: 'same', known: DrawnAnswer }
  | { kind: 'several', editions: EditionText[] }
  | { kind: 'one', edition: EditionText, drawn: DrawnOwner[] }

function endOfLine (text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

function conflictOf (filename: string, editions: readonly EditionText[]): ConflictError {
  const versions = editions.slice(0, VERSIONS_PER_REPLY).map((edition) => ({ digest: edition.digest, size: edition.content.size, owners: edition.owners }))
  return new ConflictError(`there are ${editions.length} different contents named ${quote(filename)}`, versions)
}

function listed (filename: string, editions: readonly EditionText[]): ListedContent[] {
  const older = olderOf(editions)
  return editions.filter(({ owners }) => owners > 0).map((edition) => {
    const { content: { pieceLength: _impliedBySize, ...content }, owners, since, told } = edition
    return { filename, ...content, owners, since, ...told, ...(older.has(edition) && { older: true }) }
  })
}
