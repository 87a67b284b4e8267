/**
 * The story of a folder's download: its manifest, what of it is wanted, and a tree with every name in
 * it; then its files in parts, which are taken out of them as they come; then its name.
 * Longer than 250 lines because the steps share the plan, the tree's places and what is wanted.
 */
import { blake3 } from '@napi-rs/blake-hash'
import type { PieceList } from '../content/digest.js'
import { bytesOfSet, FolderLayout, type Layout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import { Selection } from '../content/selection.js'
import { zeroPiecesOfFiles } from '../content/zeros.js'
import { folderPlaces } from '../disk/hidden.js'
import { noteTree, removeFromTree, takeOverTree } from '../disk/kept-tree.js'
import { Workspace } from '../disk/workspace.js'
import type { Manifest } from '../manifest/manifest.js'
import { selectEntries } from '../manifest/select.js'
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import { policyFor } from '../schedule/policy.js'
import { newIdentities, type TreeIdentities } from '../tree/identities.js'
import type { TreeSize } from '../tree/measure-tree.js'
import { Refused } from '../tree/refused.js'
import { finishInShares } from '../tree/finish-tree.js'
import { makeTree } from '../tree/make-tree.js'
import { publishTree } from '../tree/publish-tree.js'
import { bringToDisk, syncTree } from '../tree/sync-tree.js'
import { TreeControl } from '../tree/tree-control.js'
import type { DownloadContext } from './context.js'
import { fetchManifest } from './fetch-manifest.js'
import type { Plan } from './find-piece-list.js'
import { FolderLanding } from './folder-landing.js'
import { FolderRoom } from './folder-room.js'
import { takeTree } from './here.js'
import type { Course } from './plan.js'
import { assertKeepsEnough, sameIn, type Standing } from './standing.js'
import { Transfer, type Transferred, type TransferProgress } from './transfer.js'
import { allOf, bytesOf, emptyFilesOf, filesOf, piecesOf, without } from './wanted-entries.js'

export interface FolderOptions {
  /** Pieces of the folder, by the numbers that owners give them, are in its hidden tree. */
  onUnpacked?: ((folder: UnpackedFolder, pieces: PieceRange) => void) | undefined
  /** What of it is wanted, as `selectEntries` has it; all if there is none. */
  only?: readonly string[] | undefined
  /** What nobody has any more, or this file system can't hold, is left out. */
  skipMissing?: boolean | undefined
  /** An older version that lies under the name: what is the same in it is taken from there. */
  standing?: Standing | undefined
  /** More than half of that may go. */
  allowShrink?: boolean | undefined
  onProgress?: ((progress: FolderProgress) => void) | undefined
}

/** A folder that is on its way. */
export interface UnpackedFolder {
  found: Found
  /** Of its manifest. */
  pieces: PieceList
  manifest: Manifest
  /** The hidden tree. */
  root: string
}

/** Files that are there, and how many are wanted. */
export interface FilesReached {
  files: number
  ofFiles: number
}

export interface FolderProgress extends TransferProgress {
  reached: FilesReached
}

export interface DownloadedFolder extends Pick<Transferred, 'owners' | 'resumedBytes' | 'zeroBytes'> {
  /** In other shares and downloads of this node. */
  hereBytes: number
  manifest: Manifest
  /** Those that are there, by their numbers in the manifest, ascending; left out if all are. */
  entries?: Uint32Array
  /** Of those that are there, as they were left. */
  identities: TreeIdentities
  /** Of the file system. */
  dev: bigint
  /** How many have another time than they are to have: the file system has no such time. */
  otherTimes: number
  /** Whether the file system says of all files that they are executable. */
  allExecutable: boolean
  /** When they were looked at, by the wall clock. */
  lookedAtMs: number
  /** Of the wanted ones. */
  files: number
  bytes: number
  /** How many were wanted and are not there, by `skipMissing`. */
  without: number
}

/** After these there is nothing to go on with: the same would come again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_EXISTS', 'E_USAGE', 'E_NAME', 'E_FORBIDDEN', 'E_LIMIT', 'E_PROTOCOL'])

/** @throws every code that a download may end with; the final name is absent or whole, whatever happens. */
export async function downloadFolder (plan: Plan, options: FolderOptions, course: Course, context: DownloadContext): Promise<DownloadedFolder> {
  // A first one makes the folder, and says what is in it to whoever starts next.
  const isUpdate = context.arrived !== undefined
  const workspace = await Workspace.open(context.hiddenFolder, plan.found, context.inWindows, { isUpdate })
  const control = new TreeControl()
  const stop = (): void => control.cancel()
  course.signal.addEventListener('abort', stop, { once: true })
  if (course.signal.aborted) stop()
  try {
    const folder = await new FolderDownload(plan, options, course, context, control).run()
    // The folder is there: what can't be removed now is removed at the next start. An update is, once it has taken its place.
    if (!isUpdate) await workspace.remove().catch(() => {})
    return folder
  } catch (error) {
    if (error instanceof PiecemealError && FINAL.has(error.code)) await workspace.remove().catch(() => {})
    throw error
  } finally {
    course.signal.removeEventListener('abort', stop)
  }
}

class FolderDownload {
  readonly #plan: Plan
  readonly #options: FolderOptions
  readonly #course: Course
  readonly #context: DownloadContext
  readonly #control: TreeControl

  constructor (plan: Plan, options: FolderOptions, course: Course, context: DownloadContext, control: TreeControl) {
    this.#plan = plan
    this.#options = options
    this.#course = course
    this.#context = context
    this.#control = control
  }

  async run (): Promise<DownloadedFolder> {
    const { found } = this.#plan
    const places = folderPlaces(this.#context.hiddenFolder, found)
    const manifest = await fetchManifest(this.#plan, places.manifest, this.#course, this.#context)
    const wanted = this.#wantedOf(manifest)
    this.#assertKeepsEnough(manifest, wanted)
    const same = this.#sameBefore(manifest, wanted)
    const room = new FolderRoom(await this.#atDisk(async () => await this.#measure(manifest, wanted, same)))
    const { isNew, lacking, taken } = await this.#atDisk(async () => await this.#makeTree(manifest, wanted, same, room))
    const possible = without(manifest, wanted, lacking)
    const selection = new Selection(new FolderLayout(manifest.sizes), possible ?? allOf(manifest))
    const workspace = await this.#openWorkspace(selection.layout)
    const kept = isNew ? [] : await this.#atDisk(async () => await this.#findKept(manifest, selection))
    const { owners, resumedBytes, hereBytes, zeroBytes, lost } = await this.#fetch(manifest, selection, workspace, room, { isNew, kept, taken: runsOf(taken, manifest, selection, places.tree) })
    await removeFromTree(places, lost.map((index) => manifest.path(index)))
    const entries = without(manifest, possible, lost)
    return {
      ...await this.#atDisk(async () => await this.#arrive(manifest, entries)),
      manifest,
      ...(entries && { entries }),
      files: filesOf(manifest, entries),
      bytes: bytesOf(manifest, entries),
      without: lacking.length + lost.length,
      owners,
      resumedBytes,
      zeroBytes,
      hereBytes,
    }
  }

  async #openWorkspace (layout?: FolderLayout): Promise<Workspace> {
    const { hiddenFolder, inWindows, arrived } = this.#context
    return await Workspace.open(hiddenFolder, this.#plan.found, inWindows, { isUpdate: arrived !== undefined, ...(layout && { layout }) })
  }

  /** Undefined: all of it. @throws E_USAGE. */
  #wantedOf (manifest: Manifest): Uint32Array | undefined {
    const { only = [] } = this.#options
    if (only.length === 0) return undefined
    const entries = selectEntries(manifest, only)
    return entries.length === manifest.entryCount ? undefined : entries
  }

  /** Wanted files that the version before has as well: two numbers each, as `sameFiles` has them. */
  #sameBefore (manifest: Manifest, entries: Uint32Array | undefined): Uint32Array {
    const { standing: { tree } = {} } = this.#options
    return tree === undefined ? new Uint32Array() : sameIn(tree, manifest, entries)
  }

  async #measure (manifest: Manifest, entries: Uint32Array | undefined, same: Uint32Array): Promise<TreeSize> {
    const { hiddenFolder, inWindows, naming, trees } = this.#context
    // Where there are no hard links they are copied.
    return await trees.measureTree({ manifest: manifest.data, entries, folder: hiddenFolder, hasHoles: inWindows, ...(naming.way === 'link' && { same }) })
  }

  /** @returns whether it was not there yet; which of the entries the file system can't hold; the pieces that were taken over from the version before */
  async #makeTree (manifest: Manifest, entries: Uint32Array | undefined, same: Uint32Array, room: FolderRoom): Promise<{ isNew: boolean, lacking: readonly number[], taken: Uint32Array }> {
    const { hiddenFolder, target, trees } = this.#context
    const { skipMissing = false } = this.#options
    const places = folderPlaces(hiddenFolder, this.#plan.found)
    const wanted = entries ? blake3(Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength)).toString('hex') : 'all'
    const known = await takeOverTree(places, wanted, skipMissing)
    if (known) return { isNew: false, lacking: known.lacking, taken: new Uint32Array() }
    await room.look(await this.#openWorkspace())
    const { lacking } = await makeTree({ manifest: manifest.data, entries, root: places.tree, target, skipMissing, control: this.#control.buffer }, trees)
    const taken = await this.#takeOver(manifest, lacking.length === 0 ? same : this.#sameBefore(manifest, without(manifest, entries, lacking)), places.tree)
    await noteTree(places, { wanted, lacking })
    return { isNew: true, lacking, taken }
  }

  /** @throws E_EXISTS. */
  #assertKeepsEnough (manifest: Manifest, entries: Uint32Array | undefined): void {
    const { standing, allowShrink = false } = this.#options
    if (standing) assertKeepsEnough(standing, this.#plan.found, { manifest, files: filesOf(manifest, entries), bytes: bytesOf(manifest, entries) }, allowShrink)
  }

  /** From the version before. @returns the pieces that are right */
  async #takeOver (manifest: Manifest, pairs: Uint32Array, root: string): Promise<Uint32Array> {
    const { standing: { tree } = {} } = this.#options
    if (tree === undefined) return new Uint32Array()
    const { trees } = this.#context
    const task = { manifest: manifest.data, root, control: this.#control.buffer }
    await trees.takeOver({ ...task, old: tree, pairs })
    return await trees.findKept({ ...task, entries: pairs.filter((_, at) => at % 2 === 1), isTakenOver: true })
  }

  /** What an earlier run has left in the tree. */
  async #findKept (manifest: Manifest, selection: Selection): Promise<PlacedRun[]> {
    const { hiddenFolder, trees } = this.#context
    const { tree: root } = folderPlaces(hiddenFolder, this.#plan.found)
    return runsOf(await trees.findKept({ manifest: manifest.data, entries: selection.entries, root, control: this.#control.buffer }), manifest, selection, root)
  }

  async #fetch (manifest: Manifest, selection: Selection, workspace: Workspace, folderRoom: FolderRoom, { isNew, kept, taken }: { isNew: boolean, kept: readonly PlacedRun[], taken: readonly PlacedRun[] }): Promise<Transferred & { lost: number[], hereBytes: number }> {
    const { found, liars, roundTrip } = this.#plan
    const { layout } = selection
    const { tree: root } = folderPlaces(this.#context.hiddenFolder, found)
    const pieces = piecesOf(manifest, selection)
    const zeros = await zeroPiecesOfFiles(layout, pieces)
    const room = await folderRoom.promise(workspace, selection, [...kept, ...taken], bytesOfSet(layout, zeros))
    try {
      const resumed = [...kept, ...await workspace.resume(pieces, this.#context.digestPieces)]
      const bytesThere = bytesOfRuns(layout, resumed) + bytesOfRuns(layout, taken)
      const ofFiles = filesOf(manifest, selection.entries)
      const onTaken = (bytes: number): void => this.#options.onProgress?.({ size: layout.size, bytes: bytesThere + bytes, digest: found.digest, owners: () => new Map(), reached: { files: 0, ofFiles } })
      // Zeros are there without anybody.
      const settled = [...resumed, ...taken, ...[...zeros.ranges()].map((range) => ({ ...range, path: root, originPiece: 0 }))]
      const here = [...taken, ...await takeTree({ manifest, selection, root, runs: settled, workspace, onProgress: onTaken }, this.#course, this.#context)]
      const hereBytes = bytesOfRuns(layout, here)
      const runs = [...resumed, ...here]
      const folder = { found, pieces: this.#plan.pieces ?? Buffer.alloc(0), manifest, root }
      const onUnpacked = (run: PlacedRun): void => {
        // What is in part files is not offered: it is in the tree in a moment.
        if (run.path === root) for (const range of selection.inFolder(run)) this.#options.onUnpacked?.(folder, range)
      }
      const landing = new FolderLanding({ manifest, selection, root, isNew, inWindows: this.#context.inWindows, zeros, workspace, unpack: this.#context.trees.unpack, control: this.#control, onGood: onUnpacked })
      const emptyFiles = emptyFilesOf(manifest, selection.entries)
      let last: TransferProgress | undefined
      const onProgress = (progress: TransferProgress): void => {
        last = progress
        room.reach(progress.bytes)
        this.#options.onProgress?.({ ...progress, reached: { files: emptyFiles + landing.files, ofFiles } })
      }
      const policy = policyFor(Math.max(1, Math.ceil(layout.size / Math.max(1, layout.pieceCount))))
      const onLost = (lost: PieceSet): PieceRange[] => {
        const ranges = landing.doWithout(lost)
        if (!(this.#options.skipMissing ?? false)) throw nobodyHas(found.filename, manifest, landing.without)
        return ranges
      }
      const transfer = new Transfer({ found, wanted: selection, landing, policy, pieces, zeros, liars, roundTrip, runs, ...this.#course, onLost, onProgress, onGood: onUnpacked }, this.#context)
      const transferred = await transfer.run()
      // Files that were taken out of the last parts since.
      if (last) onProgress(last)
      return { ...transferred, resumedBytes: transferred.resumedBytes - hereBytes, hereBytes, lost: landing.without }
    } finally {
      room.end()
    }
  }

  async #arrive (manifest: Manifest, entries: Uint32Array | undefined): Promise<Pick<DownloadedFolder, 'identities' | 'dev' | 'otherTimes' | 'allExecutable' | 'lookedAtMs'>> {
    const { found } = this.#plan
    const { hiddenFolder, target, arrived, naming, trees } = this.#context
    const identities = newIdentities(manifest.entryCount)
    const task = { manifest: manifest.data, entries, root: folderPlaces(hiddenFolder, found).tree, control: this.#control.buffer }
    const lookedAtMs = Date.now()
    // To look at a million files takes a while, in which the disk can work.
    const [finished] = await Promise.all([finishInShares({ ...task, identities }, trees.finishTree), bringToDisk(task)])
    if (arrived === undefined) await publishTree({ ...task, to: target, filename: found.filename, naming }, trees)
    else await syncTree(task, trees.syncFiles)
    return { ...finished, identities, lookedAtMs }
  }

  async #atDisk<T> (work: () => Promise<T>): Promise<T> {
    const { standstill } = this.#course
    standstill.works(performance.now())
    standstill.waits(() => ({ for: 'disk', owners: [] }))
    try {
      return await work()
    } finally {
      standstill.works(performance.now())
    }
  }
}

function bytesOfRuns (layout: Layout, runs: readonly PieceRange[]): number {
  return runs.reduce((bytes, { firstPiece, endPiece }) => bytes + layout.offsetOf(endPiece) - layout.offsetOf(firstPiece), 0)
}

function nobodyHas (filename: string, manifest: Manifest, entries: readonly number[]): PiecemealError {
  const refused = new Refused()
  for (const index of entries) refused.add(manifest.path(index))
  return refused.error('E_CHANGED', `no owner of ${quote(filename)} has these files any more (--skip-missing saves the others; what is there is kept):`)
}

/** Pieces of the folder that are in its tree, as those that are wanted are counted. */
function runsOf (pieces: Uint32Array, manifest: Manifest, selection: Selection, root: string): PlacedRun[] {
  const there = new PieceSet(manifest.pieceCount)
  for (const piece of pieces) there.add(piece)
  return [...selection.wantedOf(there).ranges()].map((range) => ({ ...range, path: root, originPiece: 0 }))
}
