/** What people see: progress and what happens on standard error, results alone on standard output. */
import { jsonReporter } from '../ui/json.js'
import type { Output, Reporter } from '../ui/reporter.js'
import { textReporter } from '../ui/text.js'

/** With `--json` all of it is results. */
export async function reporterFor (isJson: boolean, output: Output): Promise<Reporter> {
  if (isJson) return jsonReporter(output)
  const toPeople: Output = { out: output.err, err: output.err }
  if (!process.stderr.isTTY || isSet(process.env.CI)) return textReporter(toPeople)
  // Loaded only where bars are drawn.
  const { barReporter } = await import('../ui/bars.js')
  return barReporter(process.stderr, toPeople)
}

function isSet (variable: string | undefined): boolean {
  return variable !== undefined && !['', '0', 'false'].includes(variable)
}
