/** A map that can also give a few of its values at random, at a cost that does not grow with the rest. */
interface Entry<K, V> {
  readonly key: K
  value: V
  /** Where it stands among all of them. */
  at: number
}

export class SampleMap<K, V> {
  readonly #byKey = new Map<K, Entry<K, V>>()
  readonly #entries: Array<Entry<K, V>> = []
  readonly #random: () => number

  /** @param random from 0 to 1 */
  constructor (random: () => number = Math.random) {
    this.#random = random
  }

  get size (): number {
    return this.#entries.length
  }

  has (key: K): boolean {
    return this.#byKey.has(key)
  }

  set (key: K, value: V): void {
    const known = this.#byKey.get(key)
    if (known) {
      known.value = value
      return
    }
    const entry = { key, value, at: this.#entries.length }
    this.#byKey.set(key, entry)
    this.#entries.push(entry)
  }

  delete (key: K): void {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return
    this.#swap(entry.at, this.#entries.length - 1)
    this.#entries.pop()
    this.#byKey.delete(key)
  }

  /** At most `most` values in random order, never that of `except`. */
  sample (most: number, except: K): V[] {
    const values: V[] = []
    const { length } = this.#entries
    // A Fisher-Yates shuffle of the entries themselves that stops early: their order means nothing.
    for (let i = 0; i < length && values.length < most; i++) {
      this.#swap(i, i + Math.floor(this.#random() * (length - i)))
      const entry = this.#entries[i]
      if (entry !== undefined && entry.key !== except) values.push(entry.value)
    }
    return values
  }

  #swap (i: number, j: number): void {
    const a = this.#entries[i]
    const b = this.#entries[j]
    if (a === undefined || b === undefined) return
    this.#entries[i] = b
    this.#entries[j] = a
    b.at = i
    a.at = j
  }
}
