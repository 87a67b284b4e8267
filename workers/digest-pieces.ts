/** A Piscina task: the digests of a run of pieces of an open file. */
import { digestPieces, type DigestTask } from '../lib/disk/digest-pieces.js'
import type { PieceList } from '../lib/content/digest.js'
import { toTaskResult, type TaskResult } from '../lib/threads/task-result.js'

export default async function (task: DigestTask): Promise<TaskResult<PieceList>> {
  return await toTaskResult(() => digestPieces(task))
}
