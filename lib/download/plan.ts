/** What is fetched: as the tracker says, where one piece is all there is of a file; otherwise as an owner's answer proves. */
import { listOfZeros } from '../content/zeros.js'
import { pieceCount } from '../protocol/content.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import { findPieceList, type Plan } from './find-piece-list.js'
import type { Standstill } from './standstill.js'

/** How a download goes, and how it ends. */
export interface Course {
  signal: AbortSignal
  standstill: Standstill
}

/** @throws as `certainPlanFor`. */
export async function planFor (found: Found, course: Course, context: DownloadContext): Promise<Plan> {
  // Of a folder the list of its manifest is wanted in any case, and whether it is one.
  if (found.kind !== undefined) return await certainPlanFor(found, course, context)
  const known = context.here?.contentOf(found)
  if (known) return { found: { ...found, size: known.size, pieceLength: known.pieceLength }, pieces: known.pieces, isCertain: true }
  const zeros = await listOfZeros(found)
  if (zeros) return { found, pieces: zeros, isCertain: true }
  // The digest of the whole is enough to check a single piece, as long as the size is right. Whether it is, is seen when the piece comes.
  return pieceCount(found) === 1 ? { found, isCertain: false } : await certainPlanFor(found, course, context)
}

/** @throws what the owners refuse with; E_NO_OWNER, E_INTERRUPTED, what is this machine's own. */
export async function certainPlanFor (found: Found, { signal, standstill }: Course, context: DownloadContext): Promise<Plan> {
  const onAsking = ({ owners }: Found): void => standstill.waits(() => ({ for: 'owner', owners: owners.map(({ name }) => name) }))
  const plan = await findPieceList({ found, signal, onAsking }, context)
  standstill.works(performance.now())
  await context.turn.comeBack(signal)
  standstill.hasTurn(performance.now())
  return plan
}
