/** Which parts are to end early, for their rest had better come later, or from others; none before the piece at hand. */
import type { Bitfields } from './bitfields.js'
import type { Owners } from './owners.js'
import type { Part } from './part.js'
import type { Pieces } from './pieces.js'
import type { Reading } from './reading.js'

export function * partsToShorten (pieces: Pieces, owners: Owners, bitfields: Bitfields, reading: Reading): Generator<{ part: Part, endPiece: number }, void> {
  for (const part of reading.inTheWay()) yield { part, endPiece: part.verifiedPiece + 1 }
  if (!owners.isSwarm) return
  for (const part of pieces.parts.values()) {
    if (part.cutAt === 'never') continue
    const next = part.verifiedPiece + 1
    const endPiece = part.cutAt === 'swarm' ? next : bitfields.availability.seen.firstFrom(next)
    if (endPiece < part.endPiece) yield { part, endPiece }
  }
}
