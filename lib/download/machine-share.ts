/** What the machine, and the node's own limit, leave for one download. */
import { MAX_FETCH_THREADS } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'
import type { Machine } from '../schedule/orders.js'
import { DEFAULT_POLICY } from '../schedule/policy.js'
import type { RateLimit } from '../threads/rate-limit.js'
import { MachineLoad } from './machine-load.js'
import type { Slots } from './slots.js'

/** Under a limit a stream is worth opening for so many bytes a second. The kernel tells an owner of what was taken only megabytes later. */
const RATE_PER_STREAM = 128 * KiB
/** With this much a second for all threads together, the limit is not why an owner is slow. */
const FREE_RATE = 2 * MAX_FETCH_THREADS * DEFAULT_POLICY.slowBytesPerSecond

/** A thread that is in one file call for so long waits for a disk that stands still. */
const DISK_WAIT_MS = 1_000

export class MachineShare {
  readonly #slots: Slots
  readonly #down: RateLimit
  /** None where a part is over in a moment. */
  readonly #load: MachineLoad | undefined

  #isDiskWaiting = false
  /** When a thread last waited long for the disk. */
  #diskWaitedMs = -Infinity

  constructor ({ slots, down, isGradual }: { slots: Slots, down: RateLimit, isGradual: boolean }) {
    this.#slots = slots
    this.#down = down
    this.#load = isGradual ? new MachineLoad() : undefined
  }

  get isDiskWaiting (): boolean {
    return this.#isDiskWaiting
  }

  /** Threads have been waiting for the disk for so long, if they do. */
  diskWaits (nowMs: number, waitMs: number): void {
    this.#isDiskWaiting = waitMs > DISK_WAIT_MS
    if (this.#isDiskWaiting) this.#diskWaitedMs = nowMs
  }

  /** @param streamsOfUse no more are of use now, however much time the machine has left */
  at (nowMs: number, streamsOfUse: number): Required<Omit<Machine, 'mayAsk'>> {
    const { bytesPerSecond = Infinity } = this.#down
    return {
      slots: this.#slots.free,
      streams: this.#load?.at(nowMs, streamsOfUse) ?? Infinity,
      // A few quick streams rather than many slow ones: an owner gives a stream up that takes next to nothing for a while.
      most: Math.max(1, Math.floor(bytesPerSecond / RATE_PER_STREAM)),
      isBusy: this.#load?.isBusy ?? false,
      // For so long parts are judged by a time in which the disk stood still.
      isLimited: bytesPerSecond < FREE_RATE || nowMs - this.#diskWaitedMs < DEFAULT_POLICY.slowAfterMs,
      isHeldUp: this.#isDiskWaiting,
    }
  }
}
