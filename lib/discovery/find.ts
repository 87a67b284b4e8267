/** Looks for trackers on the networks that this machine is on. */
import { startThread } from '../threads/start-thread.js'
import type { DiscoveryMessage, DiscoveryThreadData } from './messages.js'
import type { Candidate } from './records.js'

const THREAD = new URL('../../workers/discovery.js', import.meta.url)
const LOOK_MS = 2_000
/** After the first one that will do: another network of the same kind would have to answer as well. */
const OTHERS_MS = 300

export interface FindOptions {
  /** The id of the secret that is wanted; those without one otherwise. */
  wanted?: string | undefined
  lookMs?: number
}

/** All that answer within 2 s, or soon after the first that is wanted. Where nothing can be heard, none. */
export async function findTrackers ({ wanted, lookMs = LOOK_MS }: FindOptions = {}): Promise<Candidate[]> {
  const found: Candidate[] = []
  const thread = startThread(THREAD, { workerData: { wanted } satisfies DiscoveryThreadData })
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve) => {
      const within = (ms: number): void => {
        clearTimeout(timer)
        timer = setTimeout(resolve, ms)
      }
      within(lookMs)
      thread.on('message', (message: DiscoveryMessage) => {
        if ('found' in message) {
          found.push(message.found)
          if (message.found.id === wanted) within(OTHERS_MS)
        } else if ('failed' in message) {
          resolve()
        }
      })
      thread.on('error', () => resolve())
    })
    return found
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}
