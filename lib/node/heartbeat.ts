/** Says `alive` on a connection to the tracker, in time and when the machine wakes, and tells when an answer is long in coming. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** @returns why the connection is closed; it is, if an `alive` is not answered. */
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

/** Jittered, so that the nodes of a tracker that comes back do not all come at once. Ends at the signal, which the caller sees for itself. */
export async function pause (mostMs: number, signal: AbortSignal): Promise<void> {
  await sleep(mostMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
}

function watchForSleep (): () => boolean {
  let aheadMs = Date.now() - performance.now()
  return () => {
    const before = aheadMs
    aheadMs = Date.now() - performance.now()
    return aheadMs - before > SLEPT_MS
  }
}
