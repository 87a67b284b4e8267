/** Two trees side by side, in one pass, for both have the same order. */
import type { Manifest } from '../manifest/manifest.js'
import { comparePaths } from '../manifest/path.js'
import { PIECE_DIGEST_BYTES } from '../protocol/content.js'
import { Refused } from './refused.js'

/** Files that both have under the same path with the same bytes. Two numbers each: the entry's in one and in the other. */
export function sameFiles (one: Manifest, other: Manifest): Uint32Array {
  const same = new Uint32Array(2 * Math.min(one.entryCount, other.entryCount))
  let count = 0
  for (const { left, right } of sideBySide(one, other)) {
    if (left === undefined || right === undefined || !one.isFile(left) || !haveSameBytes(one, left, other, right)) continue
    same[count++] = left
    same[count++] = right
  }
  return same.slice(0, count)
}

/** What somebody added, removed or changed since, each with what it was. Times are no difference where only one of the two has them. */
export function differences (before: Manifest, now: Manifest): Refused {
  const found = new Refused()
  for (const { left, right } of sideBySide(before, now)) {
    if (left === undefined) found.add(now.path(right ?? 0), 'added')
    else if (right === undefined) found.add(before.path(left), 'removed')
    else if (!isSame(before, left, now, right)) found.add(before.path(left), 'changed')
  }
  return found
}

/** What there is in one, and not, or otherwise, in the other: what is lost if that takes its place. */
export function lostOf (one: Manifest, other: Manifest): Refused {
  const lost = new Refused()
  for (const { left, right } of sideBySide(one, other)) {
    if (left !== undefined && (right === undefined || !isSame(one, left, other, right))) lost.add(one.path(left))
  }
  return lost
}

interface Pair {
  left?: number
  right?: number
}

function * sideBySide (one: Manifest, other: Manifest): Generator<Pair, void> {
  let left = 0
  let right = 0
  while (left < one.entryCount || right < other.entryCount) {
    const order = left === one.entryCount ? 1 : right === other.entryCount ? -1 : comparePaths(one.pathSlice(left), other.pathSlice(right))
    yield { ...(order <= 0 && { left }), ...(order >= 0 && { right }) }
    if (order <= 0) left++
    if (order >= 0) right++
  }
}

function isSame (one: Manifest, left: number, other: Manifest, right: number): boolean {
  const [a, b] = [one.entry(left), other.entry(right)]
  if (a.kind === 'file' && b.kind === 'file') return a.isExecutable === b.isExecutable && haveSameBytes(one, left, other, right)
  if (a.kind === 'link' && b.kind === 'link') return a.target === b.target
  return a.kind === b.kind
}

function haveSameBytes (one: Manifest, left: number, other: Manifest, right: number): boolean {
  if (!other.isFile(right) || one.sizes[left] !== other.sizes[right]) return false
  const [from, end] = [one.firstPieceOf(left) * PIECE_DIGEST_BYTES, one.firstPieceOf(left + 1) * PIECE_DIGEST_BYTES]
  const at = other.firstPieceOf(right) * PIECE_DIGEST_BYTES
  return one.pieces.compare(other.pieces, at, at + end - from, from, end) === 0
}
