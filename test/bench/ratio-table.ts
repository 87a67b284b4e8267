/** The one table of ratios: whole, as it is printed, and in brief, as users read it. */
import { isMet, type Ask, type Ratio } from './ratios.js'
import { median } from './statistics.js'

/** A row a ratio; the first row is the heading. */
export function wholeTable (ratios: readonly Ratio[]): string[][] {
  return [
    ['what', 'of it', 'ours', 'in times of', 'median', 'least', 'most', 'rounds', 'asked'],
    ...ratios.map((ratio) => [ratio.what, ratio.quantity, ratio.ours, ratio.theirs ?? '', ...figuresOf(ratio), outcomeOf(ratio)]),
  ]
}

/** A row for each thing that is done and measured, with all the programs that it is compared with; what is ours alone is left out. */
export function briefTable (ratios: readonly Ratio[]): string[][] {
  const rows = new Map<string, [what: string, quantity: string, ...cells: string[]]>()
  for (const ratio of ratios) {
    const { what, quantity, theirs } = ratio
    if (theirs === undefined) continue
    const row = rows.get(`${what}\n${quantity}`) ?? [what, quantity]
    rows.set(`${what}\n${quantity}`, [...row, inBrief(ratio)])
  }
  return [
    ['what', 'of it', "piecemeal's, in times of the other's: median (least to most)"],
    ...[...rows.values()].map(([what, quantity, ...cells]) => [what, quantity, cells.join('; ')]),
  ]
}

/** What was asked and not reached, and what was not measured: not to be overlooked. */
export function shortfalls (ratios: readonly Ratio[]): string[] {
  return ratios.flatMap((ratio) => {
    const who = `${ratio.what}, ${ratio.quantity}${ratio.theirs === undefined ? '' : `, in times of ${ratio.theirs}`}`
    if (ratio.skipped !== undefined) return [`skipped: ${who} (${ratio.skipped})`]
    if (ratio.ask === undefined || isMet(ratio) !== false) return []
    return [`missed: ${who}: ${withUnit(median(ratio.values), ratio)}, asked: ${inWords(ratio.ask, ratio)}`]
  })
}

function figuresOf (ratio: Ratio): [median: string, least: string, most: string, rounds: string] {
  const { values, skipped } = ratio
  if (skipped !== undefined) return ['skipped', '', '', '']
  return [withUnit(median(values), ratio), withUnit(Math.min(...values), ratio), withUnit(Math.max(...values), ratio), String(values.length)]
}

function outcomeOf (ratio: Ratio): string {
  if (ratio.ask === undefined) return ''
  return `${inWords(ratio.ask, ratio)}${isMet(ratio) === false ? ', missed' : ''}`
}

function inWords (ask: Ask, ratio: Ratio): string {
  const [bound, value] = 'atMost' in ask ? ['at most', ask.atMost] : ['at least', ask.atLeast]
  return `${bound} ${value.toLocaleString('en')}${ratio.unit === undefined ? '' : ` ${ratio.unit}`}`
}

function inBrief (ratio: Ratio): string {
  const { theirs, values, skipped } = ratio
  if (skipped !== undefined) return `${theirs}: not measured`
  const range = values.length > 1 ? ` (${rounded(Math.min(...values))} to ${rounded(Math.max(...values))})` : ''
  return `${theirs}: ${rounded(median(values))}${range}`
}

function withUnit (value: number, { unit }: Ratio): string {
  return unit === undefined ? rounded(value) : `${rounded(value)} ${unit}`
}

/** Three digits that count. */
function rounded (value: number): string {
  const digits = value >= 100 || value === 0 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
