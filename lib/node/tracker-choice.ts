/**
 * Which of several trackers a node turns to. They are interchangeable, so the order is any, another one for each node; one that was lost goes to
 * its end, and the nodes that it had spread over the others.
 */
import type { LineClient } from '../net/line-client.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { formatAddress, type Address } from '../protocol/address.js'

/** How long one tracker is waited for before the next is tried as well. */
const HEAD_START_MS = 250

export type Dial = (tracker: Address, signal: AbortSignal) => Promise<LineClient>

export class TrackerChoice {
  #order: Address[]
  /** The one that was connected to last, or would have been. */
  #current: Address

  constructor (trackers: Address | readonly Address[], random: () => number = Math.random) {
    const all = 'host' in trackers ? [trackers] : trackers
    this.#order = all.map((tracker) => ({ tracker, at: random() })).sort((a, b) => a.at - b.at).map(({ tracker }) => tracker)
    const [first] = this.#order
    if (first === undefined) throw new PiecemealError('E_USAGE', 'a node wants at least one tracker')
    this.#current = first
  }

  get current (): Address {
    return this.#current
  }

  get hasOthers (): boolean {
    return this.#order.length > 1
  }

  /** For people. */
  get text (): string {
    return this.#order.map(formatAddress).sort().join(', ')
  }

  /** The connection to another one came to nothing. */
  stayAt (tracker: Address): void {
    this.#current = tracker
  }

  /** Another one is tried first the next time. */
  passOver (): void {
    this.#order = [...this.#order.filter((tracker) => tracker !== this.#current), this.#current]
  }

  /** The first that answers. @param others not the current one @throws what the last failed with */
  async connect (dial: Dial, signal: AbortSignal, others = false): Promise<LineClient> {
    const untried = this.#order.filter((tracker) => !others || tracker !== this.#current)
    if (untried.length === 0) throw new PiecemealError('E_TRACKER', `there is no other tracker than ${this.text}`)
    const over = new AbortController()
    const stop = (): void => over.abort()
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    let nextTry: NodeJS.Timeout | undefined
    try {
      return await new Promise<LineClient>((resolve, reject) => {
        let [underWay, isSettled] = [0, false]
        let failure: PiecemealError | undefined
        const tryNext = (): void => {
          clearTimeout(nextTry)
          const tracker = untried.shift()
          if (tracker === undefined || isSettled) return
          underWay++
          dial(tracker, over.signal).then((client) => {
            if (isSettled) return client.close()
            isSettled = true
            this.#current = tracker
            resolve(client)
          }, (error: unknown) => {
            underWay--
            // Another secret is what does not pass by itself.
            if (failure?.code !== 'E_AUTH') failure = toPiecemealError(error)
            if (untried.length > 0) tryNext()
            else if (underWay === 0) reject(failure)
          })
          if (untried.length > 0) nextTry = setTimeout(tryNext, HEAD_START_MS)
        }
        tryNext()
      })
    } finally {
      clearTimeout(nextTry)
      signal.removeEventListener('abort', stop)
      over.abort()
    }
  }
}
