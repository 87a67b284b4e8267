import { Worker, type WorkerOptions } from 'node:worker_threads'
import { PiecemealError } from '../protocol/errors.js'

/**
 * Nothing of what the process was started with: a loader of the program that embeds this one would
 * cost half a second a thread, and nothing of ours needs it.
 */
export const BARE_THREAD = { execArgv: [] as string[] }

/** @throws E_LIMIT where no further thread may be started. */
export function startThread (file: URL, options: WorkerOptions): Worker {
  try {
    return new Worker(file, { ...BARE_THREAD, ...options })
  } catch (cause) {
    throw noThreadLeft(cause)
  }
}

/** The limit counts what all processes of the user have, and in a container all of its own. */
export function noThreadLeft (cause?: unknown): PiecemealError {
  return new PiecemealError('E_LIMIT', 'no thread can be started: too many processes and threads run already, raise ulimit -u', { cause })
}
