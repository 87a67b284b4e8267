/**
 * Who has one content. There may be a million contents with one or two owners each, which is what a
 * tracker's memory is made of: so a single holder stands for itself, without a list around it; a list
 * has an index only once it is long; and a node says the same of most of its files, with one `Holder`.
 */
import type { Hints } from './hint-votes.js'
import type { Owner } from './registry.js'
import { sample } from './sample.js'

export interface Holders {
  readonly size: number
  /** How many have all of it. */
  readonly complete: number
  /** How many have uploaded it. */
  readonly origins: number
  find: (node: string) => Holder | undefined
  /** With one more. The result takes the place of what it was asked of. */
  with: (holder: Holder) => Holders
  /** Without one of them, in the same way. */
  without: (holder: Holder) => Holders
  /** At most `most`, complete ones first, otherwise in random order, never `except`. */
  sample: (most: number, except: string) => Owner[]
}

/** What a node says of one of its files alone. */
export interface Claim {
  /** If it is another than the first that announced the content said. */
  hints?: Hints | undefined
  replaces?: readonly string[] | undefined
}

/** A node's part in a content, or in all of which it says the same. */
export class Holder implements Holders {
  readonly owner: Owner
  readonly isOrigin: boolean
  readonly claim: Claim | undefined

  constructor (owner: Owner, isOrigin: boolean, claim?: Claim) {
    this.owner = owner
    this.isOrigin = isOrigin
    this.claim = claim
  }

  get size (): number {
    return 1
  }

  get complete (): number {
    return this.owner.complete ? 1 : 0
  }

  get origins (): number {
    return this.isOrigin ? 1 : 0
  }

  find (node: string): Holder | undefined {
    return this.owner.name === node ? this : undefined
  }

  with (holder: Holder): Holders {
    return new Crowd(this, holder)
  }

  without (): Holders {
    return NOBODY
  }

  sample (most: number, except: string): Owner[] {
    return most > 0 && this.owner.name !== except ? [this.owner] : []
  }
}

export const NOBODY: Holders = {
  size: 0,
  complete: 0,
  origins: 0,
  find: () => undefined,
  with: (holder) => holder,
  without: () => NOBODY,
  sample: () => [],
}

/** So many are looked through in less time than an index of them takes to keep. */
const FEW = 16

class Crowd implements Holders {
  /** Complete ones first. */
  readonly #holders: Holder[]
  #complete: number
  #origins: number
  /** Node → where it stands; none while they are few. */
  #places: Map<string, number> | undefined

  constructor (first: Holder, second: Holder) {
    // As long as it has to be: one that begins empty gets room for 17.
    this.#holders = first.owner.complete ? [first, second] : [second, first]
    this.#complete = first.complete + second.complete
    this.#origins = first.origins + second.origins
  }

  get size (): number {
    return this.#holders.length
  }

  get complete (): number {
    return this.#complete
  }

  get origins (): number {
    return this.#origins
  }

  find (node: string): Holder | undefined {
    return this.#holders[this.#placeOf(node)]
  }

  with (holder: Holder): Holders {
    const end = this.#holders.length
    this.#put(end, holder)
    if (holder.owner.complete) this.#swap(end, this.#complete++)
    this.#origins += holder.origins
    if (this.#places === undefined && this.#holders.length > FEW) this.#places = new Map(this.#holders.map(({ owner }, at) => [owner.name, at]))
    return this
  }

  without (holder: Holder): Holders {
    let at = this.#placeOf(holder.owner.name)
    if (at < 0) return this
    // It moves to the end of its kind, and then to the end of all.
    if (at < this.#complete) {
      this.#swap(at, --this.#complete)
      at = this.#complete
    }
    this.#swap(at, this.#holders.length - 1)
    this.#holders.pop()
    this.#places?.delete(holder.owner.name)
    this.#origins -= holder.origins
    const [first] = this.#holders
    return first !== undefined && this.#holders.length === 1 ? first : this
  }

  sample (most: number, except: string): Owner[] {
    // One more where one of them may be left out.
    const wanted = this.#placeOf(except) < 0 ? most : most + 1
    const holders = sample(this.#holders, { start: 0, end: this.#complete, most: wanted })
    if (holders.length < wanted) holders.push(...sample(this.#holders, { start: this.#complete, end: this.#holders.length, most: wanted - holders.length }))
    const owners = holders.map(({ owner }) => owner)
    return wanted === most ? owners : owners.filter(({ name }) => name !== except).slice(0, most)
  }

  #placeOf (node: string): number {
    return this.#places === undefined ? this.#holders.findIndex(({ owner }) => owner.name === node) : this.#places.get(node) ?? -1
  }

  #swap (a: number, b: number): void {
    const [atA, atB] = [this.#holders[a], this.#holders[b]]
    if (a === b || atA === undefined || atB === undefined) return
    this.#put(a, atB)
    this.#put(b, atA)
  }

  #put (at: number, holder: Holder): void {
    this.#holders[at] = holder
    this.#places?.set(holder.owner.name, at)
  }
}
