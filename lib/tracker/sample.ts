/** A few of many, at random: the owners that an answer names. */
export interface SampleOptions {
  /** Which items it is of, `end` exclusive. */
  start: number
  end: number
  most: number
}

/**
 * At most `most` of the items, at random and in random order. It costs as much as it gives, however many items there are.
 *
 * @param random from 0 to 1
 */
export function sample<T> (items: readonly T[], { start, end, most }: SampleOptions, random: () => number = Math.random): T[] {
  const sampled = end - start <= most ? items.slice(start, end) : pick(items, { start, end, most }, random)
  for (let i = sampled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const other = sampled[j] as T
    sampled[j] = sampled[i] as T
    sampled[i] = other
  }
  return sampled
}

/** Floyd's algorithm: each set of so many has the same chance. */
function pick<T> (items: readonly T[], { start, end, most }: SampleOptions, random: () => number): T[] {
  const places: number[] = []
  for (let last = end - most; last < end; last++) {
    const place = start + Math.floor(random() * (last + 1 - start))
    places.push(places.includes(place) ? last : place)
  }
  return places.map((place) => items[place] as T)
}
