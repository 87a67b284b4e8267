/** A demo from its first word to its last: whatever happens, it says how it went and leaves nothing behind. */
import { formatSeconds } from '../../lib/ui/format.js'
import type { Screen } from './screen.js'
import type { Stage } from './stage.js'

/**
 * @param fine what is said if all went well
 * @param main whether all went well
 */
export async function perform (fine: string, { screen, stage }: { screen: Screen, stage: Stage }, main: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now()
  process.exitCode = 1
  try {
    const isFine = await main()
    screen.headline(`${isFine ? `OK: ${fine}` : 'FAILED: see above'}, after ${formatSeconds((performance.now() - startedMs) / 1_000)}; the temporary folder is removed.`)
    if (isFine) process.exitCode = 0
  } catch (error) {
    screen.endProgress()
    const { signal } = stage
    const reason = signal.aborted ? `stopped (${(signal.reason as Error).message})` : error instanceof Error ? error.message : String(error)
    screen.headline(`FAILED: ${reason}; the temporary folder is removed.`)
  } finally {
    await stage.clear()
  }
}
