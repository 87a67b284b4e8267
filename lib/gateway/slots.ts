/** Who is sent something and who has to wait: the slots are those of the port for other nodes, and the queue is ours. */
import { PiecemealError } from '../protocol/errors.js'
import { HTTP_SLOT_WAIT_MS, HTTP_WAITING, UPLOAD_STREAMS } from '../protocol/limits.js'
import type { StreamCount } from '../threads/stream-count.js'

/** How often it is looked whether the other port has given up a slot. */
const LOOK_MS = 50

export interface SlotsOptions {
  streams: StreamCount
  /** @default 64 */
  most?: number
  /** @default 30 s */
  waitMs?: number
}

export class Slots {
  readonly #options: Required<SlotsOptions>
  readonly #waiting = new Set<() => void>()
  #taken = 0
  #looking: NodeJS.Timeout | undefined

  constructor ({ most = UPLOAD_STREAMS, waitMs = HTTP_SLOT_WAIT_MS, ...options }: SlotsOptions) {
    this.#options = { most, waitMs, ...options }
  }

  /** Waits for a slot. @returns what gives it back @throws E_BUSY if there is none in time; E_INTERRUPTED once the signal is aborted. */
  async take (signal: AbortSignal): Promise<() => void> {
    if (!this.#isFree || this.#waiting.size > 0) await this.#wait(signal)
    this.#count(1)
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#count(-1)
      this.#next()
    }
  }

  get #isFree (): boolean {
    return this.#taken + this.#options.streams.others < this.#options.most
  }

  #count (change: 1 | -1): void {
    this.#taken += change
    this.#options.streams.own = this.#taken
  }

  async #wait (signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= HTTP_WAITING) throw busy()
    this.#looking ??= setInterval(() => this.#next(), LOOK_MS)
    await new Promise<void>((resolve, reject) => {
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        this.#waiting.delete(go)
        if (this.#waiting.size === 0) {
          clearInterval(this.#looking)
          this.#looking = undefined
        }
        how()
      }
      const go = (): void => settle(resolve)
      const leave = (): void => settle(() => reject(new PiecemealError('E_INTERRUPTED', 'whoever asked has gone')))
      const timer = setTimeout(() => settle(() => reject(busy())), this.#options.waitMs)
      signal.addEventListener('abort', leave)
      this.#waiting.add(go)
    })
  }

  /** One for each that is free: whoever is told takes it before the next is. */
  #next (): void {
    const [go] = this.#waiting
    if (go !== undefined && this.#isFree) go()
  }
}

function busy (): PiecemealError {
  return new PiecemealError('E_BUSY', 'all upload slots of this node are taken; try again or elsewhere')
}
