/**
 * Who in a swarm is to bring which piece first, without a word said about it: every node ranks the
 * same names for a piece in the same order (rendezvous hashing), and leaves to others what they rank
 * higher for. Where nodes don't all know each other the ranks differ a little, which costs a few
 * pieces that are brought twice.
 */

/** Pieces that are ranked together, so that a part may have more than one. */
const BLOCK_PIECES = 2

/** The first piece of the next block. */
export function endOfBlock (piece: number): number {
  return piece - piece % BLOCK_PIECES + BLOCK_PIECES
}

/** A number that a name always has (FNV-1a). */
export function saltOf (name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash
}

/** How many of the others come before oneself for the block of this piece. */
export function rankFor (piece: number, ownSalt: number, otherSalts: Iterable<number>): number {
  const block = Math.floor(piece / BLOCK_PIECES)
  const own = weight(ownSalt, block)
  let rank = 0
  for (const salt of otherSalts) if (weight(salt, block) > own) rank++
  return rank
}

function weight (salt: number, block: number): number {
  let mixed = Math.imul(salt ^ Math.imul(block + 1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
