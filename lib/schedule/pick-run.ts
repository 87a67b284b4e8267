/** Which run of missing pieces an owner is asked for next: four ways to choose, each for another time of a swarm's life. */
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import type { Availability } from './availability.js'

type Random = () => number

/** From the front, so that what has come can be glued while the rest is fetched. */
export function pickFront (missing: PieceSet, most: number): PieceRange | undefined {
  const firstPiece = missing.firstFrom(0)
  if (firstPiece === missing.pieceCount) return undefined
  return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece)) }
}

/** From anywhere in the second half: what comes from the front in one part need not be copied to be glued. */
export function pickAnywhere (missing: PieceSet, most: number, random: Random): PieceRange | undefined {
  const firstPiece = missing.firstFrom(Math.floor((1 + random()) / 2 * missing.pieceCount))
  if (firstPiece === missing.pieceCount) return pickFront(missing, most)
  return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece)) }
}

/**
 * From the rarest of the missing pieces that the owner has on; random among equally rare ones. Only
 * the first `sample` of them from a random place on are looked at: the rarest of so many is rare enough.
 */
export function pickRarest (missing: PieceSet, have: PieceSet, availability: Availability, { most, sample, random }: { most: number, sample: number, random: Random }): PieceRange | undefined {
  const { length } = missing.words
  const start = Math.floor(random() * length)
  let firstPiece = -1
  let rarest = Infinity
  let looked = 0
  for (let i = 0; i < length && looked < sample; i++) {
    const at = start + i < length ? start + i : start + i - length
    let candidates = (missing.words[at] ?? 0) & (have.words[at] ?? 0)
    while (candidates !== 0) {
      const bit = Math.clz32(candidates)
      candidates &= ~(0x80000000 >>> bit)
      looked++
      const count = availability.of(at * 32 + bit)
      if (count >= rarest) continue
      rarest = count
      firstPiece = at * 32 + bit
    }
  }
  if (firstPiece < 0) return undefined
  return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece), have.firstGapFrom(firstPiece)) }
}

/** From a random piece on, the first missing ones that none of these sets has, which are of as many pieces. */
export function pickUnseen (missing: PieceSet, others: readonly PieceSet[], { most, random }: { most: number, random: Random }): PieceRange | undefined {
  const { length } = missing.words
  const start = Math.floor(random() * missing.pieceCount)
  // The first word is looked at twice: from the start on, and at the end before it.
  for (let i = 0; i <= length; i++) {
    const at = ((start >>> 5) + i) % length
    let unseen = missing.words[at] ?? 0
    for (const { words } of others) unseen &= ~(words[at] ?? 0)
    if (i === 0) unseen &= -1 >>> (start & 31)
    if (unseen === 0) continue
    const firstPiece = at * 32 + Math.clz32(unseen)
    let endPiece = firstPiece + 1
    while (endPiece < firstPiece + most && missing.has(endPiece) && !others.some((other) => other.has(endPiece))) endPiece++
    return { firstPiece, endPiece }
  }
  return undefined
}
