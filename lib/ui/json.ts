import { oneLine } from '../protocol/names.js'
import type { Output, Reporter } from './reporter.js'

/** One JSON object a line on standard output, whatever its reader takes for the end of a line: a name may hold U+2028. */
export function jsonReporter ({ out }: Output): Reporter {
  return {
    report (event, data) {
      out(oneLine(JSON.stringify({ event, ...data })))
    },
    close () {},
  }
}
