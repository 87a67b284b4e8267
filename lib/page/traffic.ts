/** The rate of the last hour, a mark every ten seconds. */
import type { NetworkView } from './network.js'

const MARK_MS = 10_000
const MARKS = 360

export class Traffic {
  readonly #view: Pick<NetworkView, 'rate'>
  /** In seconds of the Unix clock, and bytes a second; the oldest first. */
  readonly marks: Array<[seconds: number, rate: number]> = []
  readonly #marking: NodeJS.Timeout

  constructor (view: Pick<NetworkView, 'rate'>, onError: (error: Error) => void) {
    this.#view = view
    const mark = (): void => { this.mark().catch(onError) }
    mark()
    this.#marking = setInterval(mark, MARK_MS).unref()
  }

  async mark (nowMs = Date.now()): Promise<void> {
    this.marks.push([Math.round(nowMs / 1_000), await this.#view.rate()])
    if (this.marks.length > MARKS) this.marks.shift()
  }

  close (): void {
    clearInterval(this.#marking)
  }
}
