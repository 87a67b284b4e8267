import { PiecemealError } from '../protocol/errors.js'

/** Milliseconds, of whole seconds. @throws E_USAGE. */
export function parseSeconds (text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : NaN
  if (Number.isSafeInteger(ms)) return ms
  throw new PiecemealError('E_USAGE', `${JSON.stringify(text)} is no whole number of seconds`)
}

const UNITS_MS = new Map([['s', 1_000], ['', 60_000], ['m', 60_000], ['h', 3_600_000]])
const LEAST_MS = 1_000

/**
 * Milliseconds, of a time as it is typed: `30s`, `10m`, `1.5h`, units in either case; a bare number is minutes.
 *
 * @throws E_USAGE, saying what a time is.
 */
export function parseDuration (text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smh]?)$/i.exec(text) ?? []
  const ms = Math.round(Number(number) * (UNITS_MS.get(unit.toLowerCase()) ?? NaN))
  if (Number.isSafeInteger(ms) && ms >= LEAST_MS) return ms
  throw new PiecemealError('E_USAGE', `${JSON.stringify(text)} is no time: at least 1s, as in 30s, 10m or 1.5h; a bare number is minutes`)
}
