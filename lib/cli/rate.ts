import { isRate } from '../threads/rate-limit.js'
import { PiecemealError } from '../protocol/errors.js'
import { LEAST_RATE } from '../protocol/limits.js'
import { GiB, KiB, MiB } from '../protocol/units.js'

const UNITS = new Map([['', 1], ['K', KiB], ['M', MiB], ['G', GiB]])

/**
 * Bytes a second as they are typed: `50M`, `1.5G`, `800K`, `65536`, units in either case; undefined for `off`.
 *
 * @throws E_USAGE, saying what a rate is.
 */
export function parseRate (text: string): number | undefined {
  if (text === 'off') return undefined
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(text) ?? []
  const bytesPerSecond = Math.floor(Number(number) * (UNITS.get(unit.toUpperCase()) ?? NaN))
  if (isRate(bytesPerSecond)) return bytesPerSecond
  throw new PiecemealError('E_USAGE', `${JSON.stringify(text)} is no rate: bytes a second, at least ${LEAST_RATE}, as in 800K, 50M or 1.5G; or off`)
}
