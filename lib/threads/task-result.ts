/** Error classes do not cross threads, so what a worker throws comes back as data. */
import { PiecemealError, toPiecemealError, type ErrorData } from '../protocol/errors.js'

export type TaskResult<T> = { ok: true, value: T } | { ok: false } & ErrorData

export async function toTaskResult<T> (task: () => T | Promise<T>): Promise<TaskResult<T>> {
  try {
    return { ok: true, value: await task() }
  } catch (error) {
    const { code, message } = toPiecemealError(error)
    return { ok: false, code, message }
  }
}

/** @throws what the worker threw. */
export function fromTaskResult<T> (result: TaskResult<T>): T {
  if (result.ok) return result.value
  throw new PiecemealError(result.code, result.message)
}
