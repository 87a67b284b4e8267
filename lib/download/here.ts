/** What is wanted and is here already, in another share or in a download that is not finished, need not be fetched. */
import { join } from 'node:path'
import type { PieceList } from '../content/digest.js'
import { bytesOfSet } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { PlacedRun } from '../content/run.js'
import type { Selection } from '../content/selection.js'
import type { Wanted } from '../content/wanted.js'
import { fullestFromStart } from '../disk/fullest-file.js'
import type { Workspace } from '../disk/workspace.js'
import type { Manifest } from '../manifest/manifest.js'
import type { Content } from '../protocol/content.js'
import type { HereTask } from '../tree/take-from-here.js'
import { TreeControl } from '../tree/tree-control.js'
import type { DownloadContext } from './context.js'
import type { Course } from './plan.js'

export interface TakenFile {
  runs: PlacedRun[]
  /** Of those that were taken. */
  bytes: number
}

export interface FileFromHere {
  content: Content
  pieces: PieceList
  wanted: Wanted
  zeros: PieceSet
  /** What there is of it. */
  runs: readonly PlacedRun[]
  workspace: Pick<Workspace, 'newPartFile' | 'partsElsewhere'>
  onProgress: (bytes: number) => void
}

/** Into the file that is to be gone on with. @throws E_DISK_FULL, E_IO, E_INTERRUPTED. */
export async function takeFile ({ content, pieces, wanted: { layout }, zeros, runs, workspace, onProgress }: FileFromHere, course: Course, context: DownloadContext): Promise<TakenFile> {
  const list = Uint8Array.from(pieces)
  const parts = await workspace.partsElsewhere()
  const places = [
    ...context.here?.places() ?? [],
    ...parts.map(({ path, originPiece }) => ({ files: { path, size: content.size, pieces: list, start: -layout.offsetOf(originPiece) } })),
  ]
  const lacking = new PieceSet(layout.pieceCount)
  lacking.addRange(0, layout.pieceCount)
  for (const run of [...runs, ...zeros.ranges()]) lacking.deleteRange(run.firstPiece, run.endPiece)
  if (places.length === 0 || lacking.size === 0) return { runs: [], bytes: 0 }
  const known = fullestFromStart(runs, zeros)
  const path = known ?? workspace.newPartFile(0)
  const task = { wanted: { path, size: content.size, pieces: list }, pieces: lacking.toBytes(), isBlank: known === undefined, clone: workspace.newPartFile(0), places }
  const taken = await take(task, lacking.pieceCount, { ...course, onProgress }, context)
  if (taken.size === 0) return { runs: [], bytes: 0 }
  const bytes = bytesOfSet(layout, taken)
  // In a new file they are holes.
  if (known === undefined) taken.addAll(zeros)
  const ranges = context.inWindows ? [...taken.ranges()] : [...taken.ranges()].filter(({ firstPiece }) => firstPiece === 0)
  return { runs: ranges.map((range) => ({ ...range, path, originPiece: 0 })), bytes: context.inWindows ? bytes : ranges.reduce((sum, { endPiece }) => sum + layout.offsetOf(endPiece), 0) }
}

export interface TreeFromHere {
  manifest: Manifest
  selection: Selection
  /** The hidden tree. */
  root: string
  /** What there is of it. */
  runs: readonly PlacedRun[]
  workspace: Pick<Workspace, 'newPartFile' | 'elsewhere'>
  onProgress: (bytes: number) => void
}

/** The same, into the tree of a folder. */
export async function takeTree ({ manifest, selection, root, runs, workspace, onProgress }: TreeFromHere, course: Course, context: DownloadContext): Promise<PlacedRun[]> {
  const lacking = new PieceSet(manifest.pieceCount)
  for (const { firstPiece, endPiece } of selection.inFolder({ firstPiece: 0, endPiece: selection.layout.pieceCount })) lacking.addRange(firstPiece, endPiece)
  for (const run of runs) for (const { firstPiece, endPiece } of selection.inFolder(run)) lacking.deleteRange(firstPiece, endPiece)
  const places = [
    ...context.here?.places() ?? [],
    ...(await workspace.elsewhere()).map((folder) => ({ files: { root: join(folder, 'tree'), manifest: manifest.data } })),
  ]
  if (places.length === 0 || lacking.size === 0) return []
  const task = { wanted: { root, manifest: manifest.data }, pieces: lacking.toBytes(), isBlank: true, clone: workspace.newPartFile(0), places }
  const taken = await take(task, lacking.pieceCount, { ...course, onProgress }, context)
  return [...selection.wantedOf(taken).ranges()].map((range) => ({ ...range, path: root, originPiece: 0 }))
}

/** How often it is told how far it is. */
const TOLD_MS = 200

async function take (task: Omit<HereTask, 'control'>, pieceCount: number, { signal, standstill, onProgress }: Course & Pick<FileFromHere, 'onProgress'>, { trees }: DownloadContext): Promise<PieceSet> {
  const control = new TreeControl()
  const stop = (): void => control.cancel()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  let bytes = 0
  const telling = setInterval(() => {
    if (control.bytes > bytes) standstill.moved(performance.now())
    bytes = control.bytes
    onProgress(bytes)
  }, TOLD_MS)
  standstill.waits(() => ({ for: 'disk', owners: [] }))
  try {
    const taken = new PieceSet(pieceCount)
    for (const piece of await trees.takeFromHere({ ...task, control: control.buffer })) taken.add(piece)
    return taken
  } finally {
    clearInterval(telling)
    signal.removeEventListener('abort', stop)
    standstill.works(performance.now())
  }
}
