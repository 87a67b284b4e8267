/**
 * The end of a tree's arrival, while it is still hidden: times are set, and each entry is looked at,
 * so that it is known from then on what is ours. Runs in a worker thread.
 */
import { closeSync, constants, ftruncateSync, futimesSync, lstatSync, openSync, utimesSync } from 'node:fs'
import { hashZeros } from '../content/zeros.js'
import { toDiskError } from '../disk/disk-error.js'
import type { FileEntry } from '../manifest/entry.js'
import { Manifest } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { setIdentity, wholeMs, type TreeIdentities } from './identities.js'
import { eachShare, numbersOf, sharesOf, type EntriesTask } from './shares.js'
import { TreeControl } from './tree-control.js'

/** `entries`: those that are there. */
export interface FinishTask extends EntriesTask {
  root: string
  /** Filled in here: room for all entries of the manifest. */
  identities: TreeIdentities
  control: SharedArrayBuffer
}

export interface Finished {
  /** Of the file system. */
  dev: bigint
  /** How many have another time than they are to have, since the file system has no such time. */
  otherTimes: number
  /** Whether files are executable here that are not to be: the file system has no such bit. */
  allExecutable: boolean
}

/** In as many threads as are worth it. @param finish `finishTree` in one of them @throws as that. */
export async function finishInShares (task: FinishTask, finish: (task: FinishTask) => Promise<Finished>): Promise<Finished> {
  const finished = await eachShare(sharesOf(task), async (share) => await finish({ ...task, share }))
  return {
    dev: finished[0]?.dev ?? 0n,
    otherTimes: finished.reduce((count, { otherTimes }) => count + otherTimes, 0),
    allExecutable: finished.some(({ allExecutable }) => allExecutable),
  }
}

/** @throws E_CHANGED if a file is not as large as it has to be; E_IO, E_INTERRUPTED. */
export function finishTree (task: FinishTask): Finished {
  const { root, identities } = task
  const manifest = Manifest.fromData(task.manifest)
  const control = new TreeControl(task.control)
  const finished: Finished = { dev: lstatSync(root, { bigint: true }).dev, otherTimes: 0, allExecutable: false }
  for (const index of numbersOf(task)) {
    control.goOn()
    const entry = manifest.entry(index)
    const place = `${root}/${entry.path}`
    try {
      let stats = lstatSync(place, { bigint: true })
      const isLonger = entry.kind === 'file' && reachEnd(place, entry, Number(stats.size))
      const timeMs = entry.kind === 'link' ? undefined : entry.mtimeMs
      if (timeMs !== undefined) setTime(place, entry.kind === 'folder', timeMs)
      if (isLonger || timeMs !== undefined) stats = lstatSync(place, { bigint: true })
      if (timeMs !== undefined && wholeMs(stats.mtimeNs) !== timeMs) finished.otherTimes++
      if (entry.kind === 'file' && !entry.isExecutable && (stats.mode & 0o111n) !== 0n) finished.allExecutable = true
      setIdentity(identities, index, stats)
    } catch (error) {
      throw toDiskError(error, `cannot finish ${quote(entry.path)}`)
    }
    control.reach(1)
  }
  return finished
}

/** A piece of zeros is never written, so a file that ends in one is made as long as it is here. @returns whether it was not yet */
function reachEnd (place: string, { path, size, digests }: FileEntry, there: number): boolean {
  if (there === size) return false
  const lastBytes = size % pieceLengthFor(size) || pieceLengthFor(size)
  const isHole = there < size && hashZeros(lastBytes).equals(digests.subarray(-PIECE_DIGEST_BYTES))
  if (!isHole) throw new PiecemealError('E_CHANGED', `${quote(path)} has ${there} bytes on the disk, and not ${size}`)
  const fd = openSync(place, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    ftruncateSync(fd, size)
    return true
  } finally {
    closeSync(fd)
  }
}

/** A file system that does not take it shows another time afterwards. */
function setTime (place: string, isFolder: boolean, timeMs: number): void {
  const time = asTime(timeMs)
  try {
    // An empty folder of ours, in a tree that nobody else can enter.
    if (isFolder) return utimesSync(place, time, time)
    const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      futimesSync(fd, time, time)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Seen by the time that it has.
  }
}

/** What Node makes a time of that is read back as it was: seconds are rounded down, and those below 0 are taken for now. */
function asTime (ms: number): number | Date {
  return ms >= 0 ? (ms + 0.5) / 1_000 : new Date(ms)
}
