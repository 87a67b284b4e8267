/**
 * `most` of the items from `start` to `end`, exclusive, or all of them, at random and in random order.
 * It costs as much as it gives, however many items there are (Floyd's algorithm).
 *
 * @param random from 0 to 1
 */
export function sample<T> (items: readonly T[], { start, end, most }: { start: number, end: number, most: number }, random: () => number = Math.random): T[] {
  const picked: number[] = []
  for (let last = Math.max(start, end - most); last < end; last++) {
    const at = start + Math.floor(random() * (last + 1 - start))
    picked.push(picked.includes(at) ? last : at)
  }
  for (let i = picked.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a = 0, b = 0] = [picked[i], picked[j]]
    picked[i] = b
    picked[j] = a
  }
  return picked.map((at) => items[at] as T)
}
