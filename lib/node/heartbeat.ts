/** Says `alive` on a connection to the tracker, in time and when the machine wakes, and tells when an answer is long in coming. */
import { once } from 'node:events'
import type { LineClient } from '../net/line-client.js'
import type { PiecemealError } from '../protocol/errors.js'

export interface HeartbeatOptions {
  beatMs: number
  /** From an `alive` to the doubt whether the connection works. */
  doubtMs: number
  /** Whether the machine has slept since it was asked before: what is known of the connection is old then. @default by its clocks */
  hasSlept?: (() => boolean) | undefined
  alive: () => Promise<unknown>
  /** @param doubt aborted when the answer has come after all, or won't */
  onDoubt: (doubt: AbortSignal) => void
}

const WAKE_CHECK_MS = 1_000
/** The clock on the wall has gone on for so much longer than timers have. */
const SLEPT_MS = 5_000

/** @returns why it is closed; one that leaves an `alive` unanswered is. */
export async function beatUntilLost (client: LineClient, { beatMs, doubtMs, hasSlept = watchForSleep(), alive, onDoubt }: HeartbeatOptions): Promise<PiecemealError> {
  const beat = (): void => {
    const doubt = new AbortController()
    const doubting = setTimeout(() => onDoubt(doubt.signal), doubtMs)
    alive().catch(() => client.close()).finally(() => {
      clearTimeout(doubting)
      doubt.abort()
    })
  }
  const beating = setInterval(beat, beatMs)
  const watching = setInterval(() => { if (hasSlept()) beat() }, WAKE_CHECK_MS)
  try {
    return client.closedBecause ?? (await once(client, 'close') as [PiecemealError])[0]
  } finally {
    clearInterval(beating)
    clearInterval(watching)
  }
}

function watchForSleep (): () => boolean {
  let aheadMs = Date.now() - performance.now()
  return () => {
    const before = aheadMs
    aheadMs = Date.now() - performance.now()
    return aheadMs - before > SLEPT_MS
  }
}
