/** Three trackers share one Redis, and one of them is killed. */
import { once } from 'node:events'
import t from 'tap'
import { TrackerClient } from '../../lib/node/tracker-client.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { startTracker, TRACKER_BIN } from '../helpers/piecemeal.js'
import { Command } from '../helpers/command.js'
import { startRedis, until, withoutRedis } from '../registry/redis-server.js'

const NODES = 60
const WAIT_MS = 15_000

await t.test('a tracker is killed: its nodes are at another within moments, with their names and all that they have', { skip: withoutRedis() }, async (t) => {
  const redis = await startRedis(t)
  const flags = ['--registry', redis.url]
  const trackers = await Promise.all([0, 1, 2].map(async () => await startTracker(t, { flags: [...flags, '--http', '0'] })))
  const addresses = trackers.map(({ host, port }) => ({ host, port }))
  const nodes = Array.from({ length: NODES }, (_, i) => new TrackerClient({
    tracker: addresses,
    name: `Node${i}`,
    hosts: () => ['127.0.0.1'],
    deadlines: DEADLINES,
    announcements: () => [{ filename: `file ${i}`, size: 5, digest: `blake3:${'0'.repeat(64)}`, pieceLength: 1_048_576, inputPort: 1, outputPort: 2 }],
  }))
  t.teardown(async () => { await Promise.all(nodes.map(async (node) => await node.close())) })
  await Promise.all(nodes.map(async (node) => await node.start()))
  const [asker] = nodes
  if (asker === undefined) return
  await until(async () => (await asker.ask('list', {})).files.length === NODES)

  const [killed] = trackers
  const there = nodes.filter(({ tracker }) => tracker.port === killed?.port)
  t.ok(there.length > 0 && there.length < NODES, `${there.length} of ${NODES} nodes were there`)
  const back = Promise.all(there.map(async (node) => await once(node, 'connected', { signal: AbortSignal.timeout(WAIT_MS) })))
  killed?.kill('SIGKILL')
  await back
  t.notOk(nodes.some(({ tracker }) => tracker.port === killed?.port))
  const living = await Promise.all(trackers.slice(1).map(async (tracker) => ({ page: (await tracker.waitFor(/http:\/\/127\.0\.0\.1:\d+/))[0] })))
  const missing = async (): Promise<number[]> => {
    const found = await Promise.allSettled(nodes.map(async (_, i) => await nodes[(i + 1) % NODES]?.ask('need', { filename: `file ${i}` })))
    return found.flatMap(({ status }, i) => status === 'rejected' ? [i] : [])
  }
  await until(async () => (await missing()).length === 0)

  // Until what a tracker tells of itself has been told again, and the dead one is known to be.
  await until(async () => {
    const status = new Command(t, TRACKER_BIN, ['status', ...flags])
    await status.exit()
    const [, ...said] = /registry unix:.*: (\d+) trackers, (\d+) nodes, (\d+) files, (\d+) records, (.+) of memory/.exec(status.stdout) ?? []
    return said.slice(0, 4).join() === `2,${NODES},${NODES},${NODES}` && (await Promise.all(living.map(async ({ page }) => await figuresOf(page)))).flat().every((figures) => figures.join() === said.slice(0, 4).join())
  })
  t.pass('its status, the pages and the metrics say the same')
  const check = new Command(t, TRACKER_BIN, ['check', ...flags])
  await check.waitFor(/checked 60 files: 0 records of dead trackers, 0 contents counted wrongly, 0 files that were not listed, 0 owners of no file\n/)
})

/** Trackers, nodes, files and records, as a tracker's page and its metrics have them. */
async function figuresOf (page: string): Promise<string[][]> {
  const [metrics, snapshot] = await Promise.all(['metrics', 'api/v1/snapshot'].map(async (path) => await (await fetch(`${page}/${path}`)).text())) as [string, string]
  const [{ figures: { put: [[, { trackers, nodes, files, records, memoryBytes }]] } }] = JSON.parse(snapshot) as [{ figures: { put: [[key: string, figures: Record<string, number>]] } }]
  if (memoryBytes === undefined || !/^piecemeal_tracker_registry_memory_bytes [1-9]/m.test(metrics)) throw new Error('nothing of the memory')
  return [
    [trackers, nodes, files, records].map(String),
    ['trackers', 'registry_nodes', 'files', 'owner_records'].map((name) => new RegExp(`^piecemeal_tracker_${name} (\\d+)$`, 'm').exec(metrics)?.[1] ?? ''),
  ]
}

await t.test('a registry that can\'t be used', { skip: withoutRedis() }, async (t) => {
  const tracker = new Command(t, TRACKER_BIN, ['-p', '0', '--registry', 'unix:/nowhere/redis.sock'])
  await tracker.waitFor(/failed: E_REGISTRY the registry at unix:\/nowhere\/redis\.sock can't be used: .*ENOENT/)
  t.equal((await tracker.exit()).status, 36)
})
