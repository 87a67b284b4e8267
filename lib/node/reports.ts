/** What goes on at this node, told to a tracker that wants to know: every two seconds while something does, and once when it is over. */
import { REPORT_MS } from '../protocol/limits.js'
import { reportThatFits, type Report, type ReportedDownload } from '../protocol/node-to-tracker.js'

export interface ReportsOptions {
  isWanted: () => boolean
  down: () => ReportedDownload[]
  /** Sent so far by all uploads, in bytes. */
  sentBytes: () => Promise<number>
  say: (report: Report) => Promise<unknown>
  now?: () => number
}

export class Reports {
  readonly #options: ReportsOptions
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined
  #sent = { bytes: 0, ms: 0 }
  #wasQuiet = true
  #isSaying = false

  constructor ({ now = () => performance.now(), ...options }: ReportsOptions) {
    this.#options = options
    this.#now = now
  }

  start (): void {
    this.#sent.ms = this.#now()
    this.#timer = setInterval(() => {
      // A tracker that is slow to answer is not asked twice.
      if (this.#isSaying || !this.#options.isWanted()) return
      this.#isSaying = true
      // It is told the next time; a thread that died has told so itself.
      this.tell().catch(() => {}).finally(() => { this.#isSaying = false })
    }, REPORT_MS).unref()
  }

  close (): void {
    clearInterval(this.#timer)
  }

  async tell (): Promise<void> {
    const { down, sentBytes, say } = this.#options
    const [bytes, ms] = [await sentBytes(), this.#now()]
    const seconds = (ms - this.#sent.ms) / 1_000
    // A thread that was started again begins at 0.
    const up = seconds > 0 ? Math.max(0, Math.round((bytes - this.#sent.bytes) / seconds)) : 0
    this.#sent = { bytes, ms }
    const report = reportThatFits({ down: down(), up })
    const isQuiet = report.down.length === 0 && up === 0
    if (!isQuiet || !this.#wasQuiet) await say(report)
    this.#wasQuiet = isQuiet
  }
}
