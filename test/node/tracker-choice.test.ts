import t from 'tap'
import { LineClient } from '../../lib/net/line-client.js'
import { DegradedTracker } from '../../lib/node/degraded-tracker.js'
import { TrackerChoice, type Dial } from '../../lib/node/tracker-choice.js'
import { TrackerClient } from '../../lib/node/tracker-client.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { deadPort, HOST, listenForPeers, silentPort, WAIT_MS } from '../net/peer.js'

const dial: Dial = async (tracker, signal) => await LineClient.connect({ ...tracker, signal })
const never = new AbortController().signal

await t.test('the first that answers, whoever of the others is dead or silent', async (t) => {
  const { host, port } = await listenForPeers(t)
  for (const other of [await deadPort(), await silentPort(t)]) {
    const choice = new TrackerChoice([{ host, port: other }, { host, port }], () => 0)
    const client = await choice.connect(dial, never)
    t.strictSame(choice.current, { host, port })
    t.equal(client.closedBecause, undefined)
    client.close()
  }
  const none = new TrackerChoice([{ host, port: await deadPort() }, { host, port: await deadPort() }])
  await t.rejects(none.connect(dial, never), { code: 'E_NETWORK' })
  await t.rejects(new TrackerChoice({ host, port }).connect(dial, never, true).then((client) => client.close()), { code: 'E_TRACKER' }, 'there is no other')
})

await t.test('each node has an order of its own, and one that was lost comes last', async (t) => {
  const trackers = [1, 2, 3].map((port) => ({ host: HOST, port }))
  const firsts = new Set(Array.from({ length: 60 }, () => new TrackerChoice(trackers).current.port))
  t.equal(firsts.size, 3)
  const tried: number[] = []
  const choice = new TrackerChoice(trackers, () => 0)
  choice.passOver()
  await t.rejects(choice.connect(async ({ port }) => {
    tried.push(port)
    throw new Error('away')
  }, never))
  t.strictSame(tried, [2, 3, 1])
})

await t.test('a tracker without its registry is left once, after a while', async (t) => {
  let nowMs = 0
  const degraded = new DegradedTracker(30_000, () => nowMs)
  const said = (ms: number, isDegraded: boolean): boolean => {
    nowMs = ms
    return degraded.isToBeLeft(isDegraded)
  }
  t.strictSame([said(0, true), said(29_999, true), said(30_000, true), said(90_000, true)], [false, false, true, false])
  t.strictSame([said(91_000, false), said(92_000, true), said(122_000, true)], [false, false, true])
})

class DegradedRegistry extends MemoryRegistry {
  override get isDegraded (): boolean {
    return true
  }
}

await t.test('a node whose tracker is degraded goes to one that is not, and stays where there is none', async (t) => {
  const tracking = async (registry: MemoryRegistry): Promise<{ host: string, port: number }> => {
    const tracker = new Tracker({ port: 0, registry })
    t.teardown(async () => await tracker.close())
    return await tracker.start()
  }
  const [one, other, well] = [await tracking(new DegradedRegistry()), await tracking(new DegradedRegistry()), await tracking(new MemoryRegistry())]
  const node = (name: string, ...tracker: Array<{ host: string, port: number }>): TrackerClient => {
    const client = new TrackerClient({ tracker, name, hosts: () => [HOST], deadlines: { ...DEADLINES, heartbeatMs: 50, degradedMs: 60 }, announcements: () => [] })
    t.teardown(async () => await client.close())
    return client
  }
  const [mover, stayer] = [node('mover', one, well), node('stayer', one, other)]
  await Promise.all([mover.start(), stayer.start()])
  const first = stayer.tracker
  const end = AbortSignal.timeout(WAIT_MS)
  while (mover.tracker.port !== well.port && !end.aborted) await mover.ask('list', {})
  t.strictSame(mover.tracker, well)
  // By then the other one has tried as well.
  for (let beats = 0; beats < 3; beats++) await new Promise((resolve) => { setTimeout(resolve, 60) })
  t.equal(stayer.isConnected, true)
  t.strictSame(stayer.tracker, first)
})
