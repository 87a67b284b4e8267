/**
 * How many threads this process may start, where a limit of its user or of its container is so low
 * that it matters: Piscina takes a thread that can't be started for a defect of the program.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { BARE_THREAD, noThreadLeft } from '../threads/start-thread.js'

/** More threads than these compute no faster. */
export const CORES = availableParallelism()
/** Of all processes of the user, or of the container. Above this nobody looks. */
const LOW_LIMIT = 4_096
/** Lives until it is ended, and does nothing. */
const IDLE = 'setInterval(() => {}, 1e9)'

/** At most `wanted`. @throws E_LIMIT if there can't be even one. */
export async function threadRoom (wanted: number): Promise<number> {
  if (await lowestLimit() > LOW_LIMIT) return wanted
  const started: Worker[] = []
  try {
    // A thread that finds no descriptor fails later, and counts all the same: that is another limit.
    while (started.length < wanted) started.push(new Worker(IDLE, { ...BARE_THREAD, eval: true }).on('error', () => {}))
  } catch {
    // That is the limit.
  } finally {
    await Promise.all(started.map(async (worker) => await worker.terminate()))
  }
  if (started.length === 0) throw noThreadLeft()
  return started.length
}

async function lowestLimit (): Promise<number> {
  const [limits, container] = await Promise.all(['/proc/self/limits', '/sys/fs/cgroup/pids.max'].map(async (path) => {
    // Where the system does not say, no limit is known.
    return await readFile(path, 'utf8').catch(() => '')
  }))
  const [, ofUser] = /^Max processes +(\d+)/m.exec(limits ?? '') ?? []
  const [, ofContainer] = /^(\d+)$/m.exec(container ?? '') ?? []
  return Math.min(Number(ofUser ?? Infinity), Number(ofContainer ?? Infinity))
}
