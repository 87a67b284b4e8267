/** What a node that is to be the same after a restart has to have back from the run before it, which may still be ending. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PiecemealError, systemCode } from '../protocol/errors.js'

/** How long it tries. */
export const HELD_MS = 90_000
const AGAIN_MS = 500

export interface Patience {
  isStopping: () => boolean
  /** Told once, if it does not come off at once. */
  onHeld: (message: string) => void
}

/** Tries again for 90 s what fails because its folder or its port is another process's. @throws as `attempt`. */
export async function whenFree<T> (attempt: () => Promise<T>, { isStopping, onHeld }: Patience): Promise<T> {
  const endMs = performance.now() + HELD_MS
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isHeld(error) || isStopping() || performance.now() > endMs) throw error
      if (tries === 1) onHeld(`${error.message}; trying again for ${HELD_MS / 1_000} s`)
    }
    await sleep(AGAIN_MS)
  }
}

function isHeld (error: unknown): error is PiecemealError {
  return error instanceof PiecemealError && (error.code === 'E_NAME_TAKEN' || (error.code === 'E_PORT' && systemCode(error.cause) === 'EADDRINUSE'))
}
