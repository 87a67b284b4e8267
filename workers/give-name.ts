/** A Piscina task: a complete file gets its name. */
import { giveName, type NameTask } from '../lib/disk/give-name.js'
import { toTaskResult, type TaskResult } from '../lib/threads/task-result.js'

export default async function (task: NameTask): Promise<TaskResult<void>> {
  return await toTaskResult(() => giveName(task))
}
