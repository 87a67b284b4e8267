import { PiecemealError } from '../protocol/errors.js'
import { GiB, KiB, MiB } from '../protocol/units.js'

const UNITS = new Map([['', 1], ['K', KiB], ['M', MiB], ['G', GiB], ['T', 1_024 * GiB]])

/** Bytes as they are typed: `10G`, `10GiB`, `1.5T`, `65536`; units in either case, powers of 1024. @throws E_USAGE. */
export function parseSize (text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:i?B)?)?$/i.exec(text) ?? []
  const bytes = Math.floor(Number(number) * (UNITS.get(unit.toUpperCase()) ?? NaN))
  if (Number.isSafeInteger(bytes)) return bytes
  throw new PiecemealError('E_USAGE', `${JSON.stringify(text)} is no size: bytes, as in 65536, 800M, 10G or 1.5T`)
}
