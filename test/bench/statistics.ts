export function median (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2
}

/** The median of those that are known. */
export function knownMedian (values: ReadonlyArray<number | undefined>): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : median(known)
}

/** The median of `values[i] / references[i]`: both were measured in round `i`. */
export function medianRatio (values: readonly number[], references: readonly number[]): number {
  return median(values.map((value, round) => value / (references[round] ?? NaN)))
}

/** `0.95 s (0.90 to 1.10)`; the decimals that the unit is worth. */
export function spread (values: readonly number[], unit: string, decimals: number): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(decimals))
  return values.length > 1 ? `${middle} ${unit} (${least} to ${most})` : `${middle} ${unit}`
}

/** A number that may not be known. */
export function orUnknown (value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '?' : format(value)
}

/** Rows as a Markdown table; the first row is the heading. On a screen columns stand below one another, in a document none is wider for another row's sake. */
export function markdown (rows: readonly string[][], { padded = true } = {}): string {
  const widths = (rows[0] ?? []).map((_, column) => padded ? Math.max(...rows.map((row) => row[column]?.length ?? 0)) : 0)
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  return [lines[0], `| ${widths.map((width) => '-'.repeat(padded ? width : 3)).join(' | ')} |`, ...lines.slice(1)].join('\n')
}
