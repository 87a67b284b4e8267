/** A download that gets nowhere while others wait: it gives its turn away, and takes one again once an owner answers or there is a new one. */
import { untilSomebodyAnswers, type StandbyOptions } from './standby.js'
import type { Standstill } from './standstill.js'
import type { Turn } from './turns.js'

export interface AsideOptions extends Pick<StandbyOptions, 'questions'> {
  turn: Turn
  standstill: Standstill
  /** It has a turn again. */
  onBack: () => void
}

interface Waiting {
  /** There is no need to wait for an answer any more. */
  ending: AbortController
  /** Nor for a turn. */
  closing: AbortController
  isAnswered: boolean
  back: Promise<void>
}

export class Aside {
  readonly #options: AsideOptions
  /** While it has stepped aside. Nothing is made before: most downloads never do. */
  #waiting: Waiting | undefined

  constructor (options: AsideOptions) {
    this.#options = options
  }

  /** Whether it has stepped aside. */
  get isAside (): boolean {
    return this.#waiting !== undefined
  }

  /** Whether it would go on, had it a turn. */
  get isQueueing (): boolean {
    return this.#waiting?.isAnswered ?? false
  }

  /**
   * To be called again and again.
   *
   * @returns whether it steps aside just now: what it has running is to end
   * @throws E_LIMIT if too many have done so.
   */
  look (nowMs: number, isThreadWanted: boolean): boolean {
    const { turn, standstill } = this.#options
    if (isThreadWanted && standstill.isLong(nowMs, turn.trialMs)) turn.stepAside()
    if (turn.isHeld || this.#waiting) return false
    const waiting = { ending: new AbortController(), closing: new AbortController(), isAnswered: false, back: Promise.resolve() }
    this.#waiting = waiting
    waiting.back = this.#comeBack(waiting)
    return true
  }

  /** There is an owner that was not known before. */
  cutShort (): void {
    this.#waiting?.ending.abort()
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    this.#waiting?.closing.abort()
    this.cutShort()
    await this.#waiting?.back
  }

  async #comeBack (waiting: Waiting): Promise<void> {
    const { turn, standstill, questions, onBack } = this.#options
    await untilSomebodyAnswers({ questions, signal: waiting.ending.signal })
    waiting.isAnswered = true
    await turn.comeBack(waiting.closing.signal).catch(() => {
      // The download ends, and needs none any more.
    })
    standstill.hasTurn(performance.now())
    this.#waiting = undefined
    onBack()
  }
}
