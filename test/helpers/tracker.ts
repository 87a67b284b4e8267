/** A tracker in the test's own process, for tests of others: as a command it costs as much as the node that is tested. */
import { Tracker, type TrackerOptions } from '../../lib/tracker/tracker.js'
import type { Address } from '../../lib/protocol/address.js'
import type { Scope } from './command.js'

export async function trackerHere (t: Scope, options: TrackerOptions = {}): Promise<Tracker & Address> {
  const tracker = new Tracker({ port: 0, ...options })
  t.teardown(async () => await tracker.close())
  return Object.assign(tracker, await tracker.start())
}
