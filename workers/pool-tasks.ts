/** What the threads of the pool do: Piscina tasks, by name. */
import { parentPort, threadId } from 'node:worker_threads'
import type { PieceList } from '../lib/content/digest.js'
import * as disk from '../lib/disk/digest-pieces.js'
import * as naming from '../lib/disk/give-name.js'
import * as abilities from '../lib/disk/abilities.js'
import * as part from '../lib/part/fetch-part.js'
import type { PartTask, WholeFile } from '../lib/part/part-task.js'
import * as digestTree from '../lib/tree/digest-files.js'
import * as find from '../lib/tree/find-tree.js'
import * as kept from '../lib/tree/find-kept.js'
import * as finish from '../lib/tree/finish-tree.js'
import * as measuring from '../lib/tree/measure-tree.js'
import * as names from '../lib/tree/name-check.js'
import * as remembering from '../lib/tree/remembered-tree.js'
import * as removing from '../lib/tree/remove-tree.js'
import * as skeleton from '../lib/tree/skeleton.js'
import * as sync from '../lib/tree/sync-tree.js'
import * as taking from '../lib/tree/take-over.js'
import * as here from '../lib/tree/take-from-here.js'
import * as unpacking from '../lib/tree/unpack.js'
import { toTaskResult, type TaskResult } from '../lib/threads/task-result.js'

// All code is there: from here on the thread may be ended.
parentPort?.postMessage(threadId)

/** One part from one owner over a TCP stream of its own into a part file. */
export async function fetchPart (task: PartTask): Promise<TaskResult<WholeFile | undefined>> {
  return await toTaskResult(async () => await part.fetchPart(task))
}

/** The digests of a run of pieces of an open file. */
export async function digestPieces (task: disk.DigestTask): Promise<TaskResult<PieceList>> {
  return await toTaskResult(() => disk.digestPieces(task))
}

/** What the file system of a folder can do. */
export async function findAbilities (hiddenFolder: string): Promise<TaskResult<abilities.Abilities>> {
  return await toTaskResult(() => abilities.findAbilities(hiddenFolder))
}

/** A complete file gets its name. */
export async function giveName (task: naming.NameTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => naming.giveName(task))
}

/** What there is of a folder on the disk, and what of it was digested before. */
export async function findTree (task: find.FindTask): Promise<TaskResult<find.FoundTree>> {
  return await toTaskResult(() => find.findTree(task))
}

/** The digests of a run of pieces of a folder: many small files, or a part of a large one. */
export async function digestFiles (task: digestTree.DigestFilesTask): Promise<TaskResult<digestTree.Undigested>> {
  return await toTaskResult(() => digestTree.digestFiles(task))
}

/** A folder's digest; the folder is remembered. */
export async function keepTree (task: find.KeepTask): Promise<TaskResult<find.ManifestContent>> {
  return await toTaskResult(() => find.keepTree(task))
}

/** All of a tree but the bytes of its files. */
export async function makeSkeleton (task: skeleton.SkeletonTask): Promise<TaskResult<skeleton.Skeleton>> {
  return await toTaskResult(() => skeleton.makeSkeleton(task))
}

/** Whether it has the names that it should have. */
export async function namesAreRight (task: names.NamesTask): Promise<TaskResult<boolean>> {
  return await toTaskResult(() => names.namesAreRight(task))
}

/** Files of a tree out of a part file. */
export async function unpack (task: unpacking.UnpackTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => unpacking.unpack(task))
}

/** Pieces that are wanted, from where they are on this machine. */
export async function takeFromHere (task: here.HereTask): Promise<TaskResult<Uint32Array>> {
  return await toTaskResult(() => here.takeFromHere(task))
}

/** What an earlier run has left in a tree. */
export async function findKept (task: kept.KeptTask): Promise<TaskResult<Uint32Array>> {
  return await toTaskResult(() => kept.findKept(task))
}

/** Times of a tree, and what its files are on the disk. */
export async function finishTree (task: finish.FinishTask): Promise<TaskResult<finish.Finished>> {
  return await toTaskResult(() => finish.finishTree(task))
}

/** A tree to the disk, file by file. */
export async function syncFiles (task: sync.SyncTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => sync.syncFiles(task))
}

/** A complete folder gets its name. */
export async function nameFolder (task: naming.NameTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => naming.nameFolder(task))
}

/** What a tree takes of a disk. */
export async function measureTree (task: measuring.MeasureTask): Promise<TaskResult<measuring.TreeSize>> {
  return await toTaskResult(() => measuring.measureTree(task))
}

/** What of a new version is the same in the old one. */
export async function takeOver (task: taking.TakeOverTask): Promise<TaskResult<taking.TakenOver>> {
  return await toTaskResult(() => taking.takeOver(task))
}

/** What of the old one was written to meanwhile. */
export async function writtenSince (task: taking.WrittenTask): Promise<TaskResult<Uint32Array>> {
  return await toTaskResult(() => taking.writtenSince(task))
}

/** A tree as it was remembered. */
export async function rememberedTree (path: string): Promise<TaskResult<remembering.RememberedTree | undefined>> {
  return await toTaskResult(() => remembering.rememberedTree(path))
}

/** An old version goes away. */
export async function removeTree (task: removing.RemoveTask): Promise<TaskResult<removing.Removed>> {
  return await toTaskResult(() => removing.removeTree(task))
}
