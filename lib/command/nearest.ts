/** What somebody may have meant by a word that is none of those that there are. */

/** @returns the nearest of `names`, if a slip or two of the keyboard lead from there to `word` */
export function nearest (word: string, names: readonly string[]): string | undefined {
  const [first] = names.map((name) => ({ name, distance: distanceOf(word, name) })).sort((a, b) => a.distance - b.distance)
  return first !== undefined && first.distance <= Math.max(1, word.length / 3) ? first.name : undefined
}

/** How many letters differ; two that changed places are one (optimal string alignment). */
function distanceOf (a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(Math.min(
        at(next, j - 1) + 1,
        at(row, j) + 1,
        at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isSwapped ? at(before, j - 2) + 1 : Infinity
      ))
    }
    [before, row] = [row, next]
  }
  return at(row, b.length)
}

function at (row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
