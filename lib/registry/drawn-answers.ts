/**
 * Answers of Redis that many share: for a moment all who ask for the same file get theirs out of one, and while Redis is away an
 * old one is better than none.
 */
import { OWNERS_PER_REPLY } from '../protocol/limits.js'
import type { Found, Owner } from '../tracker/registry.js'
import { sample } from '../tracker/sample.js'
import { ANSWERS_REMEMBERED, OLD_ANSWER_MS, SHARED_ANSWER_MS } from './limits.js'
import type { DrawnOwner } from './owner-text.js'
import { StoreAway } from './store.js'

/** So many questions in a row get the same order of owners. */
const QUESTIONS_PER_ORDER = 8
/** So many digests of one name are remembered. */
const DIGESTS_PER_NAME = 8

/** A content, and owners that were drawn of it. */
export class DrawnAnswer {
  readonly #content: Omit<Found, 'owners'>
  /** Complete ones first. */
  readonly drawn: readonly DrawnOwner[]
  readonly #complete: number
  /** Of what Redis has, if these are all the owners there are. */
  readonly version: string | undefined
  #last: { found: Found, times: number } | undefined

  /** @param drawn complete ones first */
  constructor (content: Omit<Found, 'owners'>, drawn: readonly DrawnOwner[], version?: string) {
    this.#content = content
    this.drawn = drawn
    const complete = drawn.findIndex(({ owner }) => !owner.complete)
    this.#complete = complete < 0 ? drawn.length : complete
    this.version = version
  }

  get digest (): string {
    return this.#content.digest
  }

  /** The same with these of the owners. */
  of (drawn: readonly DrawnOwner[]): DrawnAnswer {
    return drawn === this.drawn ? this : new DrawnAnswer(this.#content, drawn, this.version)
  }

  /** For one who asks: 50 of the owners at random, complete ones first, never itself. */
  for (asker: string): Found {
    const isForAll = this.drawn.length <= OWNERS_PER_REPLY && this.drawn.every(({ owner }) => owner.name !== asker)
    if (isForAll && this.#last !== undefined && this.#last.times < QUESTIONS_PER_ORDER) {
      this.#last.times++
      return this.#last.found
    }
    const found = { ...this.#content, owners: this.#draw(asker) }
    if (isForAll) this.#last = { found, times: 1 }
    return found
  }

  #draw (asker: string): Owner[] {
    const owners: Owner[] = []
    for (const [start, end] of [[0, this.#complete], [this.#complete, this.drawn.length]] as const) {
      for (const { owner } of sample(this.drawn, { start, end, most: OWNERS_PER_REPLY + 1 })) {
        if (owner.name !== asker && owners.length < OWNERS_PER_REPLY) owners.push(owner)
      }
    }
    return owners
  }
}

interface Remembered {
  answer: Promise<DrawnAnswer>
  /** The last one there was, as far as that has come. */
  known: DrawnAnswer | undefined
  askedMs: number
  isFresh: boolean
}

export class DrawnAnswers {
  readonly #now: () => number
  /** By file name, then by what was said of its digest; the oldest names first. */
  readonly #byName = new Map<string, Map<string, Remembered>>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** One that is under way or was given just now, or a new one. */
  async ask (filename: string, digest: string, ask: (known: DrawnAnswer | undefined) => Promise<DrawnAnswer>): Promise<DrawnAnswer> {
    const last = this.#byName.get(filename)?.get(digest)
    if (last?.isFresh === true && this.#now() - last.askedMs < SHARED_ANSWER_MS) return await last.answer
    const answer = ask(last?.known)
    const remembered: Remembered = { answer, known: last?.known, askedMs: this.#now(), isFresh: true }
    this.#put(filename, digest, remembered)
    try {
      remembered.known = await answer
      return remembered.known
    } catch (error) {
      // The one before it is better than none; that nobody owns it would be an answer.
      if (last !== undefined && error instanceof StoreAway) this.#put(filename, digest, { ...last, isFresh: false })
      throw error
    }
  }

  /** What was answered within the last minutes. */
  async remembered (filename: string, digest: string): Promise<DrawnAnswer | undefined> {
    const last = this.#byName.get(filename)?.get(digest)
    if (last === undefined || this.#now() - last.askedMs >= OLD_ANSWER_MS) return undefined
    return await last.answer.catch(() => undefined)
  }

  /** What a node of this tracker has of it has changed: nobody is given the last answer, unless there is no other. */
  forget (filename: string): void {
    for (const remembered of this.#byName.get(filename)?.values() ?? []) remembered.isFresh = false
  }

  #put (filename: string, digest: string, remembered: Remembered): void {
    const ofName = this.#byName.get(filename) ?? new Map<string, Remembered>()
    ofName.set(digest, remembered)
    // Strangers choose what they ask for.
    if (ofName.size > DIGESTS_PER_NAME) ofName.delete(ofName.keys().next().value ?? '')
    this.#byName.delete(filename)
    this.#byName.set(filename, ofName)
    const [oldest] = this.#byName.keys()
    if (oldest !== undefined && this.#byName.size > ANSWERS_REMEMBERED) this.#byName.delete(oldest)
  }
}
