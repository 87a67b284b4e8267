/** A map that can also give a few of its values at random, at a cost that does not grow with the rest. */
export class SampleMap<K, V> {
  readonly #index = new Map<K, number>()
  readonly #entries: Array<{ key: K, value: V }> = []
  readonly #random: () => number

  /** @param random from 0 to 1 */
  constructor (random: () => number = Math.random) {
    this.#random = random
  }

  get size (): number {
    return this.#entries.length
  }

  has (key: K): boolean {
    return this.#index.has(key)
  }

  set (key: K, value: V): void {
    const at = this.#index.get(key) ?? this.#entries.length
    this.#index.set(key, at)
    this.#entries[at] = { key, value }
  }

  delete (key: K): void {
    const at = this.#index.get(key)
    const last = this.#entries.at(-1)
    if (at === undefined || last === undefined) return
    this.#entries[at] = last
    this.#index.set(last.key, at)
    this.#entries.pop()
    this.#index.delete(key)
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
    this.#index.set(b.key, i)
    this.#index.set(a.key, j)
  }
}
