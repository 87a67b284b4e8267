/**
 * File calls of the main thread. Node has few threads for them, which look up names as well. A disk
 * that stands still keeps every thread that is given to it, so file calls have half of them at most.
 * The others are for what a node has to do meanwhile: answer, connect, and tell that it waits.
 */
import pLimit from 'p-limit'

/** Node's own number, where nobody has set another. */
const THREADS = Number(process.env.UV_THREADPOOL_SIZE) || 4

const limitCalls = pLimit(Math.max(1, Math.floor(THREADS / 2)))

/** Makes a call, or a few one after the other, when it is its turn. Calls are not to be nested: the outer one would wait for itself. */
export async function atDisk<T> (call: () => Promise<T>): Promise<T> {
  return await limitCalls(call)
}
