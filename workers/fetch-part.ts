/** A Piscina task: one part from one owner over a TCP stream of its own into a part file. */
import { toTaskResult, type TaskResult } from '../lib/threads/task-result.js'
import { fetchPart } from '../lib/part/fetch-part.js'
import type { PartTask, WholeFile } from '../lib/part/part-task.js'

export default async function (task: PartTask): Promise<TaskResult<WholeFile | undefined>> {
  return await toTaskResult(async () => await fetchPart(task))
}
