/** Contents by the names that they have. Nearly every name has one, which then needs no map of its own. */
import type { Edition } from './edition.js'

export class Catalogue {
  readonly #byName = new Map<string, Edition | Map<string, Edition>>()
  #size = 0

  /** How many contents there are. */
  get size (): number {
    return this.#size
  }

  /** All contents of that name. */
  named (filename: string): Edition[] {
    return listed(this.#byName.get(filename))
  }

  find (filename: string, digest: string): Edition | undefined {
    const there = this.#byName.get(filename)
    return there instanceof Map ? there.get(digest) : there?.is(digest) === true ? there : undefined
  }

  add (edition: Edition): void {
    this.#size++
    const there = this.#byName.get(edition.filename)
    if (there === undefined) this.#byName.set(edition.filename, edition)
    else if (there instanceof Map) there.set(edition.digest, edition)
    else this.#byName.set(edition.filename, new Map([there, edition].map((one) => [one.digest, one])))
  }

  delete (edition: Edition): void {
    this.#size--
    const there = this.#byName.get(edition.filename)
    if (there instanceof Map) {
      there.delete(edition.digest)
      const [last] = there.values()
      if (last !== undefined && there.size === 1) this.#byName.set(edition.filename, last)
    } else if (there === edition) {
      this.#byName.delete(edition.filename)
    }
  }

  /** The contents of each name that begins so. */
  * beginningWith (prefix: string): Generator<Edition[]> {
    for (const [filename, there] of this.#byName) if (filename.startsWith(prefix)) yield listed(there)
  }
}

function listed (there: Edition | Map<string, Edition> | undefined): Edition[] {
  if (there === undefined) return []
  return there instanceof Map ? [...there.values()] : [there]
}
