/** Size and list of pieces of a content: from the owners there are, tried on as patiently as the pieces themselves are. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PieceList } from '../content/digest.js'
import { blameFor, isWorthAnotherTry } from '../protocol/blame.js'
import { pieceCount } from '../protocol/content.js'
import { toPiecemealError } from '../protocol/errors.js'
import { TRIES_PER_PART } from '../protocol/limits.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import { fetchPieceList, NoPieceList, type CheckedPieceList, type RoundTrip } from './piece-list.js'
import { throwIfStopped } from './stopped.js'

/** Pauses between tries, each twice the last. */
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 10_000

export interface PieceListFinder {
  found: Found
  signal: AbortSignal
  /** Whom it waits for. */
  onAsking: (found: Found) => void
  now?: () => number
}

/** What is fetched, and how much of that is known. */
export interface Plan {
  found: Found
  /** Where there is more than one; of a folder's manifest in any case. */
  pieces?: PieceList
  /** Owners that are known to send wrong things. */
  liars?: Owner[]
  /** To the owner that was asked. */
  roundTrip?: RoundTrip
  /** Whether size and piece length are those that the digest was made of. */
  isCertain: boolean
}

/**
 * @returns with the owners that the tracker knows of by then
 * @throws what the owners refuse with once the tracker was asked again and knows nobody else; E_NO_OWNER, E_INTERRUPTED, what is this machine's own.
 */
export async function findPieceList ({ found, signal, onAsking, now = () => performance.now() }: PieceListFinder, context: Pick<DownloadContext, 'credentials' | 'deadlines' | 'findOwners'>): Promise<Plan> {
  const { giveUpMs, ownerWaitMs } = context.deadlines
  const startedMs = now()
  let listedMs = startedMs
  let wasAskedAgain = false
  for (let tries = 1, pauseMs = FIRST_PAUSE_MS; ; tries++, pauseMs = Math.min(LAST_PAUSE_MS, 2 * pauseMs)) {
    onAsking(found)
    const failure = await fetchPieceList(found, signal, context).catch(toNoPieceList)
    if (!(failure instanceof NoPieceList)) return planOf(found, failure)
    throwIfStopped(signal, found.filename)
    const outlook = outlookOf(failure, tries)
    if (outlook === 'ours' || (outlook === 'none' && wasAskedAgain) || now() - startedMs >= giveUpMs) throw failure
    await sleep(pauseMs, undefined, { signal }).catch(() => throwIfStopped(signal, found.filename))
    try {
      found = await context.findOwners(found.filename, found.digest)
      listedMs = now()
      wasAskedAgain = true
    } catch (error) {
      throwIfStopped(signal, found.filename)
      const { code } = toPiecemealError(error)
      if (blameFor(code) !== 'tracker') throw error
      // A tracker that is away says nothing about the owners. One that lists nobody any more does: but the owners that it listed before may still answer.
      if (code !== 'E_NO_OWNER') continue
      if (outlook === 'none') throw failure
      if (now() - listedMs >= ownerWaitMs) throw error
    }
  }
}

/** Whether one of the owners may give it later. An owner that refuses or lies will do so again, and so will an owner whose answers made no sense a few times in a row. */
function outlookOf ({ code, codes }: NoPieceList, tries: number): 'good' | 'none' | 'ours' {
  if (blameFor(code) === 'ours') return 'ours'
  return codes.some((code) => isWorthAnotherTry(code) && (code !== 'E_PROTOCOL' || tries < TRIES_PER_PART)) ? 'good' : 'none'
}

function planOf (found: Found, { content: { pieces, ...content }, liars, roundTrip }: CheckedPieceList): Plan {
  return { found: { ...found, ...content }, ...((pieceCount(content) !== 1 || content.kind !== undefined) && { pieces }), liars, roundTrip, isCertain: true }
}

function toNoPieceList (error: unknown): NoPieceList {
  return error instanceof NoPieceList ? error : new NoPieceList(toPiecemealError(error), [])
}
