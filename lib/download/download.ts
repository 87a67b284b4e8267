/**
 * The story of one download: ask who has it, refuse what can't work, get the list of pieces, take
 * up what an earlier run left, fetch the rest in parts from all owners at once, glue, publish.
 */
import { setMaxListeners } from 'node:events'
import type { PieceList } from '../content/digest.js'
import { bytesOfSet } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import { WantedFile } from '../content/wanted.js'
import { zeroPieces } from '../content/zeros.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { PlacedRun } from '../content/run.js'
import { digestPrefix, pieceCount, type Content } from '../protocol/content.js'
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { assertFileName, quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import type { RoomPromise } from '../disk/room.js'
import { SinglePiece } from '../disk/single-piece.js'
import { excerptOf, type Excerpt, type Sought } from './excerpt.js'
import { isExecutable } from './executable.js'
import { downloadFolder, type DownloadedFolder, type FolderProgress, type FolderOptions } from './folder.js'
import { takeFile } from './here.js'
import { landingOf } from './landing.js'
import type { Plan } from './find-piece-list.js'
import { certainPlanFor, planFor, type Course } from './plan.js'
import { assertAbsent, publish, secureName } from '../disk/publish.js'
import type { Readers } from './readers.js'
import { assertMayReplace, type Standing } from './standing.js'
import { Standstill } from './standstill.js'
import { throwIfStopped } from './stopped.js'
import { Transfer, type TransferProgress } from './transfer.js'
import type { Waiting } from './waiting.js'
import { Workspace } from '../disk/workspace.js'

export interface DownloadOptions {
  filename: string
  /** What of a folder is wanted: patterns; all if there is none. */
  only?: readonly string[] | undefined
  /** What of a folder somebody reads: that alone comes, as a file. */
  excerpt?: Excerpt | undefined
  /** What of a folder nobody has any more, or this file system can't hold, is left out. */
  skipMissing?: boolean | undefined
  /** What lies under the name, and is to be replaced. */
  standing?: Standing | undefined
  /** More than half of what is replaced may go. */
  allowShrink?: boolean | undefined
  /** Which content, where there are several: a digest, or its first 8 or more hex digits. */
  digest?: string | undefined
  /** Who reads it meanwhile. */
  readers?: Readers | undefined
  signal: AbortSignal
  /** Good pieces have come, or are in another file than before. Not called for a content of one piece. */
  onGood?: ((content: Found, pieces: PieceList, run: PlacedRun) => void) | undefined
  /** The same of a folder, in its hidden tree. */
  onUnpacked?: FolderOptions['onUnpacked']
  onProgress?: ((progress: TransferProgress & Partial<FolderProgress>) => void) | undefined
  /** It has had no byte for a while; called again and again for as long as that lasts, and with nothing when it goes on. */
  onWaiting?: ((waiting: Waiting | undefined) => void) | undefined
}

export interface Downloaded extends Content {
  /** Of a folder those of its manifest. */
  pieces: PieceList
  /** What has come, if it is one. */
  folder?: Omit<DownloadedFolder, 'owners' | 'resumedBytes' | 'hereBytes' | 'zeroBytes'>
  /** The file as it was left, where that is known. */
  identity?: FileIdentity | undefined
  /** Who sent how many good bytes. */
  owners: Array<{ name: string, bytes: number }>
  /** Older contents of that name, as the owners say. */
  replaces?: string[] | undefined
  /** Bytes that were there from an earlier run. */
  resumedBytes: number
  /** Bytes that were in other shares and downloads of this node. */
  hereBytes: number
  /** Bytes in pieces of zeros, which nobody had to send. */
  zeroBytes: number
}

/** How often it is looked whether it gets on. */
const LOOK_MS = 500
/** Codes by which an honest owner seems to lie, or to break the contract, if it is asked for a false size. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_DIGEST', 'E_PROTOCOL'])

/** @throws every code that a download may end with; the final name is absent or whole, whatever happens. */
export async function download ({ signal, onWaiting, ...options }: DownloadOptions, context: DownloadContext): Promise<Downloaded> {
  const { filename } = options
  assertFileName(filename)
  // Not with `AbortSignal.any`: in Node 20 such a signal may be collected before it fires.
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)
  const end = (): void => ending.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const standstill = new Standstill(filename, performance.now(), onWaiting)
  const { turn } = context
  const look = setInterval(() => {
    standstill.look(performance.now())
    try {
      if (turn.isWanted && standstill.isLong(performance.now(), turn.trialMs)) turn.stepAside()
    } catch (error) {
      ending.abort(error)
    }
  }, LOOK_MS)
  try {
    return await run(options, { signal: ending.signal, standstill }, context)
  } catch (error) {
    throw ending.signal.reason instanceof PiecemealError ? ending.signal.reason : error
  } finally {
    clearInterval(look)
    standstill.works(performance.now())
    signal.removeEventListener('abort', end)
  }
}

type Options = Omit<DownloadOptions, 'signal' | 'onWaiting'>

async function run (options: Options, course: Course, context: DownloadContext): Promise<Downloaded> {
  const { filename, digest } = options
  const { signal, standstill } = course
  if (context.arrived === undefined) await assertAbsent(context.target, filename)
  throwIfStopped(signal, filename)
  standstill.waits(() => ({ for: 'tracker', owners: [] }))
  const found = await context.findOwners(filename, digest).catch((error: unknown) => {
    // A tracker that is not waited for any more is not one that is away.
    throwIfStopped(signal, filename)
    throw error
  })
  standstill.works(performance.now())
  throwIfStopped(signal, filename)
  if (found.filename !== filename || !found.digest.startsWith(digestPrefix(digest ?? ''))) {
    throw new PiecemealError('E_PROTOCOL', `the tracker answered for another content than ${quote(filename)}`)
  }

  if (options.standing) assertMayReplace(options.standing, found, digest)

  const plan = await planFor(found, course, context)
  try {
    return await carryOut(plan, options, course, context)
  } catch (error) {
    if (plan.isCertain || !(error instanceof PiecemealError) || !DOUBTFUL.has(error.code)) throw error
    // For its size there was the tracker's word alone. That word may be wrong, and the owner right.
    return await carryOut(await certainPlanFor(found, course, context), options, course, context)
  }
}

async function carryOut (plan: Plan, options: Options, course: Course, context: DownloadContext): Promise<Downloaded> {
  if (options.excerpt) return await carryOutFile(plan, excerptOf(plan, options.excerpt), options, course, context)
  if (plan.found.kind === 'folder') {
    const { found: { size, digest, pieceLength, kind, replaces }, pieces = Buffer.alloc(0) } = plan
    const { owners, resumedBytes, hereBytes, zeroBytes, ...folder } = await downloadFolder(plan, options, course, context)
    return { size, digest, pieceLength, kind, pieces, replaces, owners, resumedBytes, hereBytes, zeroBytes, folder }
  }
  if ((options.only ?? []).length > 0) throw new PiecemealError('E_USAGE', `${quote(options.filename)} is a file: --only says what is wanted of a folder`)
  return await carryOutFile(plan, { content: plan.found, wanted: new WantedFile(plan.found), pieces: plan.pieces }, options, course, context)
}

async function carryOutFile ({ found, liars, roundTrip, isCertain }: Plan, { content, wanted, pieces: list }: Sought, { filename, readers, onGood, onProgress }: Options, course: Course, context: DownloadContext): Promise<Downloaded> {
  const { target, arrived } = context
  const to = arrived ?? target
  const workspace = pieceCount(content) > 1 ? await Workspace.open(context.hiddenFolder, content, context.inWindows, { isUpdate: arrived !== undefined }) : new SinglePiece(context.hiddenFolder, content)
  let room: RoomPromise | undefined
  try {
    const zeros = list ? await zeroPieces(content, list) : new PieceSet(pieceCount(content))
    room = await workspace.promiseRoom(bytesOfSet(wanted.layout, zeros))
    const resumed = list ? await workspace.resume(list, context.digestPieces) : []
    const onTaken = (bytes: number): void => onProgress?.({ size: content.size, bytes, digest: content.digest, owners: () => new Map() })
    const here = list ? await takeFile({ content, pieces: list, wanted, zeros, runs: resumed, workspace, onProgress: onTaken }, course, context) : { runs: [], bytes: 0 }
    const runs = [...resumed, ...here.runs]
    const place = (run: PlacedRun): void => { if (list) onGood?.(content, list, run) }
    const tell = (progress: TransferProgress): void => {
      room?.reach(progress.bytes)
      onProgress?.(progress)
    }
    const doubtful = isCertain ? undefined : DOUBTFUL
    const landing = landingOf({ ...context, target: to, content, pieces: list, zeros, workspace, onGood: place })
    const transfer = new Transfer({ found, wanted, landing, pieces: list, zeros, liars, roundTrip, runs, ...course, readers, doubtful, onGood: place, onProgress: tell }, context)
    const { path, pieces, identity, owners, resumedBytes, zeroBytes } = await transfer.run()
    if (path === undefined) await secureName(to, filename)
    else await publish({ from: path, to, filename, naming: context.naming, isExecutable: isExecutable(found) }, context.giveName)
    place({ firstPiece: 0, endPiece: pieceCount(content), path: to, originPiece: 0, isMoved: true })
    // The file is there: what can't be removed now is removed at the next start.
    if (list) await workspace.remove().catch(() => {})
    return { size: content.size, digest: content.digest, pieceLength: content.pieceLength, pieces, identity, replaces: found.replaces, owners, resumedBytes: resumedBytes - here.bytes, hereBytes: here.bytes, zeroBytes }
  } catch (error) {
    // Good pieces are kept for the next try; nobody will try again where the name is taken.
    const isTaken = error instanceof PiecemealError && error.code === 'E_EXISTS'
    if (isTaken || !await workspace.hasParts()) await workspace.remove().catch(() => {})
    throw error
  } finally {
    room?.end()
  }
}
