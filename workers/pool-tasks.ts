/** What the threads of the pool do: Piscina tasks, by name. */
import { parentPort, threadId } from 'node:worker_threads'
import type { PieceList } from '../lib/content/digest.js'
import * as disk from '../lib/disk/digest-pieces.js'
import * as naming from '../lib/disk/give-name.js'
import { findAbilities as find, type Abilities } from '../lib/disk/abilities.js'
import * as part from '../lib/part/fetch-part.js'
import type { PartTask, WholeFile } from '../lib/part/part-task.js'
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
export async function findAbilities (hiddenFolder: string): Promise<TaskResult<Abilities>> {
  return await toTaskResult(() => find(hiddenFolder))
}

/** A complete file gets its name. */
export async function giveName (task: naming.NameTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => naming.giveName(task))
}
