/**
 * A rate that all streams of a node share, whatever thread they are in: a token bucket in shared
 * memory, without a lock.
 *
 * It is kept as one time, up to which everything taken so far is paid for. Whoever takes bytes
 * moves it on by what they cost and waits until it has come, so streams take turns in the order they
 * ask. While nobody takes anything it falls behind the clock, by no more than the burst.
 */
import { PiecemealError } from '../protocol/errors.js'
import { LEAST_RATE } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'

const SECOND_NS = 1_000_000_000n
/** What may be made up for after a pause; it bounds by how much any one second exceeds the rate. */
const BURST_NS = SECOND_NS / 20n
/**
 * So many turns a second, or more: with all upload slots taken a stream has its turn every 2 s, even at
 * the least rate, which is well within everybody's patience.
 */
const LEAST_TURNS_PER_SECOND = 32
const MOST_BYTES_A_TURN = 256 * KiB
/** What was begun before a lower rate was set is not paid for in full: it would take minutes. */
const MOST_DEBT_NS = SECOND_NS
/** A timer is not more exact. */
const LEAST_WAIT_NS = 1_000_000n

const RATE = 0
const PAID_UNTIL = 1
const CELLS = 2

export class RateLimit {
  /** For a thread, which makes a `RateLimit` of its own of it. */
  readonly buffer: SharedArrayBuffer
  readonly #cells: BigInt64Array
  readonly #nowNs: () => bigint

  /**
   * @param buffer of another one, to share its rate; a new one has no limit
   * @param nowNs a clock that all threads have in common, in nanoseconds
   */
  constructor (buffer = new SharedArrayBuffer(CELLS * BigInt64Array.BYTES_PER_ELEMENT), nowNs = () => process.hrtime.bigint()) {
    this.buffer = buffer
    this.#cells = new BigInt64Array(buffer)
    this.#nowNs = nowNs
  }

  /** Undefined without a limit. */
  get bytesPerSecond (): number | undefined {
    return Number(Atomics.load(this.#cells, RATE)) || undefined
  }

  /** What waits has to look whether the rate has changed. @throws E_USAGE unless it is a rate. */
  set bytesPerSecond (rate: number | undefined) {
    if (rate !== undefined && !isRate(rate)) {
      throw new PiecemealError('E_USAGE', `a rate is a whole number of bytes a second, at least ${LEAST_RATE}, not ${rate}`)
    }
    // Nobody waits by the old rate for turns that were taken at it.
    Atomics.store(this.#cells, PAID_UNTIL, this.#nowNs())
    Atomics.store(this.#cells, RATE, BigInt(rate ?? 0))
  }

  /** How many of `bytes` to take at once, so that others have their turn soon. */
  portion (bytes: number): number {
    const rate = Number(Atomics.load(this.#cells, RATE))
    return rate === 0 ? bytes : Math.min(bytes, MOST_BYTES_A_TURN, Math.ceil(rate / LEAST_TURNS_PER_SECOND))
  }

  /** Takes so many bytes. @returns milliseconds until they are paid for; 0 to go on at once */
  take (bytes: number): number {
    const rate = Atomics.load(this.#cells, RATE)
    if (rate === 0n) return 0
    const nowNs = this.#nowNs()
    const costNs = least(BigInt(bytes) * SECOND_NS / rate, MOST_DEBT_NS)
    for (;;) {
      const paidUntil = Atomics.load(this.#cells, PAID_UNTIL)
      const next = (paidUntil < nowNs - BURST_NS ? nowNs - BURST_NS : paidUntil) + costNs
      if (Atomics.compareExchange(this.#cells, PAID_UNTIL, paidUntil, next) !== paidUntil) continue
      const waitNs = next - nowNs
      return waitNs < LEAST_WAIT_NS ? 0 : Number(waitNs) / 1e6
    }
  }
}

/** Whether it is a number of bytes a second that can be kept. */
export function isRate (bytesPerSecond: number): boolean {
  return Number.isSafeInteger(bytesPerSecond) && bytesPerSecond >= LEAST_RATE
}

function least (a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
