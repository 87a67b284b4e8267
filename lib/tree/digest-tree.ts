/**
 * From a folder on a disk to a content that can be shared: it is walked, what has changed since it was
 * digested before is digested, by as many threads as there are, and all of it is remembered.
 */
import { Manifest } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { pieceLengthFor } from '../protocol/content.js'
import { MiB } from '../protocol/units.js'
import type { DigestFilesTask, Undigested } from './digest-files.js'
import type { FindTask, FoundTree, KeepTask, ManifestContent } from './find-tree.js'
import type { TreeIdentities } from './identities.js'
import { NAMED, Refused } from './refused.js'
import { assertNothingUnread, assertNotShrunk } from './shrink.js'
import { TreeControl } from './tree-control.js'
import type { LeftOut } from './walk.js'

/** What is done in worker threads. */
export interface TreeThreads {
  findTree: (task: FindTask) => Promise<FoundTree>
  digestFiles: (task: DigestFilesTask) => Promise<Undigested>
  keepTree: (task: KeepTask) => Promise<ManifestContent>
}

export interface DigestTreeOptions {
  threads: TreeThreads
  /** Tasks that digest at once. */
  tasksAtOnce: number
  /** Where it is remembered, if anywhere. */
  treeFile: string | undefined
  hasTimes?: boolean
  skipSpecial?: boolean
  allowShrink?: boolean
  /** The wall clock, in milliseconds. */
  nowMs?: () => number
  onProgress?: (progress: TreeProgress) => void
  signal?: AbortSignal | undefined
}

export interface TreeProgress {
  /** Digested now; what was known already is not counted. */
  bytes: number
  size: number
  files: number
  ofFiles: number
}

export interface DigestedTree {
  manifest: Manifest
  identities: TreeIdentities
  content: ManifestContent
  leftOut: LeftOut
}

/** Bytes and files of one task: so many that handing it out costs nothing, so few that progress is seen. */
const RUN_BYTES = 32 * MiB
const RUN_FILES = 512
/** A folder in which files change each time that it is looked at can't be shared as it is. */
const MOST_LOOKS = 4

/**
 * @param root absolute
 * @throws E_FORBIDDEN, E_NAME, E_CHANGED with the first ten paths; E_CHANGED for one that has lost more than half; E_IO, E_LIMIT;
 *   E_INTERRUPTED by the signal.
 */
export async function digestTree (root: string, options: DigestTreeOptions): Promise<DigestedTree> {
  const control = new TreeControl()
  const cancel = (): void => control.cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  if (options.signal?.aborted) cancel()
  try {
    return await digestWithout(root, options, control, [])
  } finally {
    options.signal?.removeEventListener('abort', cancel)
  }
}

async function digestWithout (root: string, options: DigestTreeOptions, control: TreeControl, without: readonly string[], looks = 1): Promise<DigestedTree> {
  const { threads, treeFile, hasTimes = false, skipSpecial = false, allowShrink = false, nowMs = Date.now } = options
  const lookedAtMs = nowMs()
  const found = await threads.findTree({ root, hasTimes, skipSpecial, without, treeFile, control: control.buffer })
  const manifest = Manifest.fromData(found.manifest)
  const { before, dev, identities, leftOut } = found
  if (!allowShrink && before && looks === 1) {
    assertNotShrunk(root, before, { ...manifest.head, dev: String(dev) })
    assertNothingUnread(root, leftOut.folders, found.unreadFiles)
  }
  const undigested = await digestAll(root, found, manifest, control, options)
  const paths = [...undigested.changed, ...undigested.unreadable].map((index) => manifest.path(index))
  if (paths.length > 0 && !skipSpecial) throw whyNot(root, manifest, undigested)
  if (paths.length > 0 && looks === MOST_LOOKS) throw new PiecemealError('E_CHANGED', `other files of ${quote(root)} change each time that it is looked at`)
  // What is not digested is not remembered as it is.
  for (const index of [...undigested.changed, ...undigested.unreadable]) identities.ctimeNs[index] = 0n
  const content = await threads.keepTree({ root, dev, manifest: found.manifest, identities, allExecutable: before?.allExecutable, lookedAtMs, treeFile })
  if (paths.length === 0) return { manifest, identities, content, leftOut }
  const rest = await digestWithout(root, options, control, [...without, ...paths], looks + 1)
  return { ...rest, leftOut: withChanged(rest.leftOut, manifest, undigested) }
}

/** Each runner takes the next run when it is through with one; all have ended when this settles. */
async function digestAll (root: string, { manifest: data, identities, known }: FoundTree, manifest: Manifest, control: TreeControl, { threads, tasksAtOnce, onProgress }: DigestTreeOptions): Promise<Undigested> {
  const undigested: Undigested = { changed: [], unreadable: [] }
  const all = runs(manifest, known)
  const entriesBefore = control.entries
  const run = async (): Promise<void> => {
    for (const run of all) {
      const { changed, unreadable } = await threads.digestFiles({ root, manifest: data, identities, known, ...run, control: control.buffer })
      undigested.changed.push(...changed)
      undigested.unreadable.push(...unreadable)
      onProgress?.({ bytes: control.bytes, size: manifest.head.size, files: control.entries - entriesBefore, ofFiles: manifest.head.files })
    }
  }
  const results = await Promise.allSettled(Array.from({ length: tasksAtOnce }, run))
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return { changed: inOrder(undigested.changed), unreadable: inOrder(undigested.unreadable) }
}

type PieceRun = Pick<DigestFilesTask, 'firstPiece' | 'endPiece' | 'firstEntry'>

/** What is not known yet, in runs of pieces: many small files, or a part of a large one. */
function * runs (manifest: Manifest, known: Uint8Array): Generator<PieceRun, void> {
  let run: PieceRun | undefined
  let bytes = 0
  let files = 0
  for (let index = 0; index < manifest.entryCount; index++) {
    if (known[index] === 1) continue
    const size = manifest.sizes[index] ?? 0
    if (size > RUN_BYTES) {
      if (run) yield run
      run = undefined
      yield * runsOf(manifest, index, size)
      continue
    }
    if (run && (bytes + size > RUN_BYTES || files === RUN_FILES)) {
      yield run
      run = undefined
    }
    if (run === undefined) [run, bytes, files] = [{ firstEntry: index, firstPiece: manifest.firstPieceOf(index), endPiece: 0 }, 0, 0]
    run.endPiece = manifest.firstPieceOf(index + 1)
    bytes += size
    files++
  }
  if (run) yield run
}

/** Of one large file. */
function * runsOf (manifest: Manifest, index: number, size: number): Generator<PieceRun, void> {
  const pieces = Math.max(1, Math.floor(RUN_BYTES / pieceLengthFor(size)))
  const end = manifest.firstPieceOf(index + 1)
  for (let piece = manifest.firstPieceOf(index); piece < end; piece += pieces) yield { firstEntry: index, firstPiece: piece, endPiece: Math.min(end, piece + pieces) }
}

function whyNot (root: string, manifest: Manifest, { changed, unreadable }: Undigested): PiecemealError {
  const what = `cannot share ${quote(root)} (--skip-special leaves out what can't be shared):`
  const refused = new Refused()
  for (const index of unreadable) refused.add(manifest.path(index), 'it may not be read')
  if (refused.count > 0) return refused.error('E_FORBIDDEN', what)
  for (const index of changed) refused.add(manifest.path(index))
  return refused.error('E_CHANGED', `files of ${quote(root)} were written to while they were digested (--skip-special leaves them out):`)
}

function withChanged (leftOut: LeftOut, manifest: Manifest, { changed, unreadable }: Undigested): LeftOut {
  const refused = new Refused()
  for (const index of changed) refused.add(manifest.path(index), 'written to while it was digested')
  for (const index of unreadable) refused.add(manifest.path(index), 'it may not be read')
  return { ...leftOut, count: leftOut.count + refused.count, first: [...leftOut.first, ...refused.first].slice(0, NAMED) }
}

function inOrder (indices: number[]): number[] {
  return [...new Set(indices)].sort((a, b) => a - b)
}
