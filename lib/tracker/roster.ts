/** The nodes that are connected to a tracker, since when, and what they have last reported. */
import { REPORT_KEPT_MS } from '../protocol/limits.js'
import type { Report } from '../protocol/node-to-tracker.js'
import type { NodeReport } from './registry.js'

export interface RosterEntry {
  name: string
  /** The address that its connection comes from. */
  host: string
  /** When it came, in seconds of the Unix clock. */
  since: number
}

export class Roster {
  readonly #now: () => number
  readonly #entries = new Map<string, RosterEntry>()
  readonly #reports = new Map<string, { report: Report, ms: number }>()

  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size (): number {
    return this.#entries.size
  }

  [Symbol.iterator] (): Iterator<RosterEntry> {
    return this.#entries.values()
  }

  join (name: string, host: string): void {
    this.#entries.set(name, { name, host, since: Math.floor(Date.now() / 1_000) })
  }

  leave (name: string): void {
    this.#entries.delete(name)
    this.#reports.delete(name)
  }

  report (name: string, report: Report): void {
    this.#reports.set(name, { report, ms: this.#now() })
  }

  /** What goes on, as far as it was reported lately. */
  * reports (): Generator<NodeReport> {
    const nowMs = this.#now()
    for (const [name, { report, ms }] of this.#reports) {
      if (nowMs - ms < REPORT_KEPT_MS) yield { name, report }
      else this.#reports.delete(name)
    }
  }
}
