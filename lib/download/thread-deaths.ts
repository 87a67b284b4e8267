/** A thread that dies is no owner's fault. All that it had in hand is tried once more, in a fresh thread. */
import type { PiecemealError } from '../protocol/errors.js'
import type { ScheduleFailure } from '../schedule/failure.js'

export class ThreadDeaths {
  /** In a row, and the thread that died last. */
  #count = 0
  #lastThread = 0

  /** What a part's end means to the schedule. */
  reasonOf (failure: PiecemealError | undefined, threadId: number): ScheduleFailure | undefined {
    if (failure?.code !== 'E_WORKER') {
      this.#count = 0
      return failure
    }
    // Without an id it died before it began.
    if (threadId === 0 || threadId !== this.#lastThread) this.#count++
    this.#lastThread = threadId
    return this.#count > 1 ? failure : { code: 'E_INTERRUPTED', message: failure.message }
  }
}
