/** The `Range` of a request (RFC 9110, 14). */
import type { ByteRange } from '../protocol/content.js'
import { HTTP_RANGES } from '../protocol/limits.js'

const RANGES = /^bytes=(.+)$/i
const RANGE = /^(\d{0,15})-(\d{0,15})$/

/**
 * What is to be sent: in the order in which it was asked for, unless some overlap, which are joined.
 *
 * @returns undefined where all of it is, because nothing else was asked for in a way that we understand; none where nothing of it is there
 */
export function rangesIn (header: string | undefined, size: number): ByteRange[] | undefined {
  const [, list] = RANGES.exec(header ?? '') ?? []
  if (list === undefined) return undefined
  const ranges: ByteRange[] = []
  for (const text of list.split(',')) {
    const [, first, last] = RANGE.exec(text.trim()) ?? []
    if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
    const range = first === '' ? { start: Math.max(0, size - Number(last)), end: size } : { start: Number(first), end: last === '' ? size : Math.min(size, Number(last) + 1) }
    if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
    if (range.start < range.end) ranges.push(range)
  }
  const joined = join(ranges)
  // Whoever wants so many wants to keep us busy.
  return joined.length > HTTP_RANGES ? [] : joined
}

function join (ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1)
    if (before !== undefined && range.start < before.end) before.end = Math.max(before.end, range.end)
    else joined.push({ ...range })
  }
  return joined.length < ranges.length ? joined : [...ranges]
}
