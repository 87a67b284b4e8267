/** Which run of missing pieces an owner is asked for next: four ways to choose, each for another time of a swarm's life. */
import { countBits, type PieceSet } from '../content/piece-set.js'
import type { Availability } from './availability.js'

/** Consecutive pieces. */
export interface PieceRange {
  firstPiece: number
  /** Exclusive. */
  endPiece: number
}

type Random = () => number

/** From the front, so that what has come can be glued while the rest is fetched. */
export function pickFront (missing: PieceSet, most: number): PieceRange | undefined {
  const firstPiece = missing.firstFrom(0)
  if (firstPiece === missing.pieceCount) return undefined
  return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece)) }
}

/** From anywhere. */
export function pickAnywhere (missing: PieceSet, most: number, random: Random): PieceRange | undefined {
  const firstPiece = missing.firstFrom(Math.floor(random() * missing.pieceCount))
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

/**
 * From anywhere among the missing pieces that no partial owner has and that are not left to others,
 * up to the next that one has.
 */
export function pickUnseen (missing: PieceSet, seen: PieceSet, { most, isMine, random }: { most: number, isMine: (piece: number) => boolean, random: Random }): PieceRange | undefined {
  let unseen = 0
  for (let at = 0; at < missing.words.length; at++) unseen += countBits((missing.words[at] ?? 0) & ~(seen.words[at] ?? 0))
  for (let tries = 0; tries < Math.min(unseen, TRIES); tries++) {
    const firstPiece = nthUnseen(missing, seen, Math.floor(random() * unseen))
    if (isMine(firstPiece)) return { firstPiece, endPiece: Math.min(firstPiece + most, missing.firstGapFrom(firstPiece), seen.firstFrom(firstPiece)) }
  }
  return undefined
}

/** Places that are tried for one that is not left to others. */
const TRIES = 32

/** The nth piece that is missing and unseen, counted from 0. */
function nthUnseen (missing: PieceSet, seen: PieceSet, nth: number): number {
  for (let at = 0; ; at++) {
    let candidates = (missing.words[at] ?? 0) & ~(seen.words[at] ?? 0)
    const here = countBits(candidates)
    if (nth < here) {
      for (; nth > 0; nth--) candidates &= ~(0x80000000 >>> Math.clz32(candidates))
      return at * 32 + Math.clz32(candidates)
    }
    nth -= here
  }
}
