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

export class Aside {
  readonly #options: AsideOptions
  readonly #closing = new AbortController()
  #waiting: { ending: AbortController, isAnswered: boolean, back: Promise<void> } | undefined

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
    const waiting = { ending: new AbortController(), isAnswered: false, back: Promise.resolve() }
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
    // With a reason that is at hand: the default one is an exception, whose stack costs more than all else at the end of a small download.
    this.#closing.abort('closed')
    this.cutShort()
    await this.#waiting?.back
  }

  async #comeBack (waiting: { ending: AbortController, isAnswered: boolean }): Promise<void> {
    const { turn, standstill, questions, onBack } = this.#options
    await untilSomebodyAnswers({ questions, signal: waiting.ending.signal })
    waiting.isAnswered = true
    await turn.comeBack(this.#closing.signal).catch(() => {
      // The download ends, and needs none any more.
    })
    standstill.hasTurn(performance.now())
    this.#waiting = undefined
    onBack()
  }
}
