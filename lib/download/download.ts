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
import { PiecemealError } from '../protocol/errors.js'
import { assertFileName, quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import type { RoomPromise } from '../disk/room.js'
import { SinglePiece } from '../disk/single-piece.js'
import { fetchPieceList, type CheckedPieceList } from './piece-list.js'
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

/** @throws every code that a download may end with; the final name is absent or whole, whatever happens. */
export async function download ({ filename, digest, signal, onGood, onProgress }: DownloadOptions, context: DownloadContext): Promise<Downloaded> {
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

  const workspace = pieceCount(found) > 1 ? await Workspace.open(context.hiddenFolder, found) : new SinglePiece(context.hiddenFolder, found)
  let room: RoomPromise | undefined
  try {
    room = await workspace.promiseRoom()
    const list = await findPieceList(found, signal, context)
    const runs = list.pieces ? await workspace.resume(list.pieces, context.digestPieces) : []
    const place = (run: PlacedRun): void => { if (list.pieces) onGood?.(list.found, list.pieces, run) }
    const tell = (progress: TransferProgress): void => {
      room?.reach(progress.bytes)
      onProgress?.(progress)
    }
    const transfer = new Transfer({ ...list, runs, target, workspace, signal, onGood: place, onProgress: tell }, context)
    const { path, pieces, identity, owners, resumedBytes } = await transfer.run()
    if (path === undefined) await secureName(target, filename)
    else await publish({ from: path, to: target, filename, naming: context.naming }, context.giveName)
    place({ firstPiece: 0, endPiece: pieceCount(found), path: target, originPiece: 0 })
    // The file is there: what can't be removed now is removed at the next start.
    if (list.pieces) await workspace.remove().catch(() => {})
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

/**
 * The list of pieces, if there is more than one: from the owners there are or, where none of them gives it, from those the
 * tracker knows of a little later: one that just left is still on the first list.
 */
async function findPieceList (found: Found, signal: AbortSignal, context: DownloadContext): Promise<Partial<CheckedPieceList> & { found: Found }> {
  // The digest of the whole is all that it takes to check a single piece.
  if (pieceCount(found) === 1) return { found }
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      return { ...await fetchPieceList(found, signal, context), found }
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
