/** The rate of the last hour, a mark every ten seconds. */
import type { NetworkView } from './network.js'

const MARK_MS = 10_000
const MARKS = 360

export class Traffic {
  readonly #view: Pick<NetworkView, 'rate'>
  /** In seconds of the Unix clock, and bytes a second; the oldest first. */
  readonly marks: Array<[seconds: number, rate: number]> = []
  readonly #marking: NodeJS.Timeout

  constructor (view: Pick<NetworkView, 'rate'>) {
    this.#view = view
    this.mark()
    this.#marking = setInterval(() => this.mark(), MARK_MS).unref()
  }

  mark (nowMs = Date.now()): void {
    this.marks.push([Math.round(nowMs / 1_000), this.#view.rate])
    if (this.marks.length > MARKS) this.marks.shift()
  }

  close (): void {
    clearInterval(this.#marking)
  }
}
