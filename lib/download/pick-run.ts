/** Which run of missing pieces an owner is asked for next: four ways to choose, each for another time of a swarm's life. */
import type { PieceSet } from '../content/piece-set.js'
import type { Availability } from './availability.js'
import { endOfBlock } from './rank.js'

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

/**
 * What is unseen, that is, missing and at no partial owner, in the first block of pieces from a random
 * one on that `isMine` and has such a piece; up to the next piece that somebody has.
 */
export function pickUnseen (missing: PieceSet, seen: PieceSet, { isMine, random }: { isMine: (piece: number) => boolean, random: Random }): PieceRange | undefined {
  const { pieceCount } = missing
  let from = endOfBlock(Math.floor(random() * pieceCount)) % pieceCount
  let isAround = false
  for (let tries = 0; tries < BLOCKS_TRIED; tries++) {
    const firstPiece = nextUnseen(missing, seen, from)
    if (firstPiece >= pieceCount) {
      if (isAround) return undefined
      isAround = true
      from = 0
      continue
    }
    const end = endOfBlock(firstPiece)
    if (isMine(firstPiece)) return { firstPiece, endPiece: Math.min(end, missing.firstGapFrom(firstPiece), seen.firstFrom(firstPiece)) }
    from = end
  }
  return undefined
}

/** What is not found in so many blocks is looked for again a little later. */
const BLOCKS_TRIED = 64

function nextUnseen (missing: PieceSet, seen: PieceSet, from: number): number {
  for (let piece = missing.firstFrom(from); ; piece = missing.firstFrom(seen.firstGapFrom(piece))) {
    if (piece >= missing.pieceCount || !seen.has(piece)) return piece
  }
}
