import { jsonLine } from './json-line.js'
import type { Output, Reporter } from './reporter.js'

/** One JSON object a line on standard output. */
export function jsonReporter ({ out }: Output): Reporter {
  return {
    report (event, data) {
      out(jsonLine({ event, ...data }))
    },
    close () {},
  }
}
