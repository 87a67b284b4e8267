/**
 * The story of one download: ask who has it, refuse what can't work, get the list of pieces, take
 * up what an earlier run left, fetch the rest in parts from all owners at once, glue, publish.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PieceList } from '../content/digest.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { PlacedRun } from '../content/run.js'
import { digestPrefix, pieceCount, type Content } from '../protocol/content.js'
import { isWorthAnotherTry } from '../protocol/blame.js'
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { assertFileName, quote } from '../protocol/names.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import type { RoomPromise } from '../disk/room.js'
import { SinglePiece } from '../disk/single-piece.js'
import { fetchPieceList } from './piece-list.js'
import { assertAbsent, publish, secureName } from '../disk/publish.js'
import { Transfer, type TransferProgress } from './transfer.js'
import type { Waiting } from './waiting.js'
import { Workspace } from '../disk/workspace.js'

export interface DownloadOptions {
  filename: string
  /** Which content, where there are several: a digest, or its first 8 or more hex digits. */
  digest?: string | undefined
  signal: AbortSignal
  /** Good pieces have come, or are in another file than before. Not called for a content of one piece. */
  onGood?: ((content: Found, pieces: PieceList, run: PlacedRun) => void) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  /** It gets no byte; called again and again for as long as that lasts. */
  onWaiting?: ((waiting: Waiting) => void) | undefined
}

export interface Downloaded extends Content {
  pieces: PieceList
  /** The file as it was left, where that is known. */
  identity?: FileIdentity | undefined
  /** Who sent how many good bytes. */
  owners: Array<{ name: string, bytes: number }>
  /** Older contents of that name, as the owners say. */
  replaces?: string[] | undefined
  /** Bytes that were there from an earlier run. */
  resumedBytes: number
}

/** Pauses between attempts to get the list of pieces, each twice the last. */
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 2_000
/** What an honest owner is taken for where a false size is asked of it: a liar, or one that breaks the contract. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_DIGEST', 'E_PROTOCOL'])

/** @throws every code that a download may end with; the final name is absent or whole, whatever happens. */
export async function download (options: DownloadOptions, context: DownloadContext): Promise<Downloaded> {
  const { filename, digest, signal } = options
  assertFileName(filename)
  const target = join(context.folder, filename)
  await assertAbsent(target, filename)
  throwIfStopped(signal, filename)
  const found = await context.findOwners(filename, digest).catch((error: unknown) => {
    // A tracker that is not waited for any more is not one that is away.
    throwIfStopped(signal, filename)
    throw error
  })
  throwIfStopped(signal, filename)
  if (found.filename !== filename || !found.digest.startsWith(digestPrefix(digest ?? ''))) {
    throw new PiecemealError('E_PROTOCOL', `the tracker answered for another content than ${quote(filename)}`)
  }

  const plan = await planFor(found, signal, context)
  try {
    return await carryOut(plan, target, options, context)
  } catch (error) {
    if (plan.isCertain || !(error instanceof PiecemealError) || !DOUBTFUL.has(error.code)) throw error
    // Its size was the tracker's word alone, so it may be that word, and no owner, that is wrong.
    return await carryOut(await certainPlanFor(found, signal, context), target, options, context)
  }
}

/** What is fetched, and how much of that is known. */
interface Plan {
  found: Found
  /** Where there is more than one. */
  pieces?: PieceList
  /** Owners that are known to send wrong things. */
  liars?: Owner[]
  /** Whether size and piece length are those that the digest was made of. */
  isCertain: boolean
}

async function carryOut ({ found, pieces: list, liars, isCertain }: Plan, target: string, { filename, signal, onGood, onProgress }: DownloadOptions, context: DownloadContext): Promise<Downloaded> {
  const workspace = pieceCount(found) > 1 ? await Workspace.open(context.hiddenFolder, found) : new SinglePiece(context.hiddenFolder, found)
  let room: RoomPromise | undefined
  try {
    room = await workspace.promiseRoom()
    const runs = list ? await workspace.resume(list, context.digestPieces) : []
    const place = (run: PlacedRun): void => { if (list) onGood?.(found, list, run) }
    const tell = (progress: TransferProgress): void => {
      room?.reach(progress.bytes)
      onProgress?.(progress)
    }
    const doubtful = isCertain ? undefined : DOUBTFUL
    const transfer = new Transfer({ found, pieces: list, liars, runs, target, workspace, signal, doubtful, onGood: place, onProgress: tell }, context)
    const { path, pieces, identity, owners, resumedBytes } = await transfer.run()
    if (path === undefined) await secureName(target, filename)
    else await publish({ from: path, to: target, filename, naming: context.naming }, context.giveName)
    place({ firstPiece: 0, endPiece: pieceCount(found), path: target, originPiece: 0 })
    // The file is there: what can't be removed now is removed at the next start.
    if (list) await workspace.remove().catch(() => {})
    return { size: found.size, digest: found.digest, pieceLength: found.pieceLength, pieces, identity, owners, replaces: found.replaces, resumedBytes }
  } catch (error) {
    // Good pieces are kept for the next try; nobody will try again where the name is taken.
    const isTaken = error instanceof PiecemealError && error.code === 'E_EXISTS'
    if (isTaken || !await workspace.hasParts()) await workspace.remove().catch(() => {})
    throw error
  } finally {
    room?.end()
  }
}

/** The digest of the whole is all that it takes to check a single piece, if its size is right: that is seen when it comes. */
async function planFor (found: Found, signal: AbortSignal, context: DownloadContext): Promise<Plan> {
  return pieceCount(found) === 1 ? { found, isCertain: false } : await certainPlanFor(found, signal, context)
}

/**
 * Size and list of pieces from the owners there are or, where none of them gives it, from those the tracker knows of a little
 * later: one that just left is still on the first list.
 */
async function certainPlanFor (found: Found, signal: AbortSignal, context: DownloadContext): Promise<Plan> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      const { content: { pieces, ...content }, liars } = await fetchPieceList(found, signal, context)
      return { found: { ...found, ...content }, ...(pieceCount(content) !== 1 && { pieces }), liars, isCertain: true }
    } catch (error) {
      throwIfStopped(signal, found.filename)
      // An owner that refuses or lies will do so again.
      const isLastTry = pauseMs > (isNetworkTrouble(error) ? LAST_PAUSE_MS : FIRST_PAUSE_MS)
      if (isLastTry) throw error
      await sleep(pauseMs, undefined, { signal }).catch(() => throwIfStopped(signal, found.filename))
      found = await context.findOwners(found.filename, found.digest).catch((later: unknown) => {
        throw isNetworkTrouble(error) ? later : error
      })
    }
  }
}

function isNetworkTrouble (error: unknown): boolean {
  return error instanceof PiecemealError && isWorthAnotherTry(error.code)
}

function throwIfStopped (signal: AbortSignal, filename: string): void {
  if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(filename)} was stopped`)
}
