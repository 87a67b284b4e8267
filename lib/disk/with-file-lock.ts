import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { tryLock } from './native-calls.js'

const TRY_MS = 20
const MOST_MS = 5_000

/** Does `work` while no other process of ours does the like under that lock, which is an empty file. Where there are no locks it is done all the same. @throws E_IN_PROGRESS if another has it for long. */
export async function withFileLock<T> (path: string, work: () => Promise<T>): Promise<T> {
  const handle = await open(path, 'a+', 0o600)
  try {
    for (const sinceMs = performance.now(); !isLocked(handle.fd); await sleep(TRY_MS)) {
      if (performance.now() - sinceMs > MOST_MS) throw new PiecemealError('E_IN_PROGRESS', `another process holds the lock ${quote(path)}`)
    }
    return await work()
  } finally {
    await handle.close()
  }
}

function isLocked (fd: number): boolean {
  try {
    return tryLock(fd)
  } catch {
    return true
  }
}
