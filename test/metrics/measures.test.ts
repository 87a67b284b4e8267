import t from 'tap'
import { exposition } from '../../lib/metrics/exposition.js'
import { Counter, Gauge, Histogram } from '../../lib/metrics/measures.js'
import { NodeMetrics } from '../../lib/metrics/node-metrics.js'
import { TrackerMetrics } from '../../lib/metrics/tracker-metrics.js'
import { EXIT_STATUS } from '../../lib/protocol/errors.js'
import { filesOf, read } from '../house/repository.js'

/** Of the contract; the process's own and the histograms' parts aside. */
const NAMES = [
  ...['nodes', 'files', 'owner_records', 'requests_total', 'request_seconds', 'connections', 'refused_total', 'registry_degraded', 'registry_memory_bytes', 'registry_nodes', 'trackers'].map((name) => `piecemeal_tracker_${name}`),
  ...['shares', 'downloads', 'download_bytes_total', 'upload_bytes_total', 'download_seconds', 'parts_failed_total', 'pieces_bad_total', 'upload_slots_used', 'disk_free_bytes', 'threads_busy',
    'gateway_requests_total', 'gateway_aborted_total', 'cache_bytes'].map((name) => `piecemeal_node_${name}`),
]
const OF_WEB = ['tracker', 'node'].map((who) => `piecemeal_${who}_http_certificate_expiry_timestamp_seconds`)

const tracker = new TrackerMetrics({ nodes: () => 2, connections: () => ({ joined: 2, strangers: 1 }), sizes: async () => ({ files: 3, records: 4 }) })
const node = new NodeMetrics({
  shares: () => 1, downloads: () => ({ running: 1, waiting: 0 }), upload: async () => ({ bytes: 5, slots: 1 }), diskFreeBytes: async () => 7, threadsBusy: async () => 1,
})

await t.test('the names are those of the contract', async (t) => {
  t.strictSame([...tracker.measures, ...node.measures].map(({ name }) => name), NAMES)
  for (const { name, type, help } of [...tracker.measures, ...node.measures]) {
    t.equal(name.endsWith('_total'), type === 'counter', name)
    t.ok(help.length > 0, name)
  }
})

await t.test('every value of a label is there at 0, and grows', async (t) => {
  const text = async (): Promise<string> => await exposition([...tracker.measures, ...node.measures]).text()
  const fresh = await text()
  for (const code of Object.keys(EXIT_STATUS)) {
    for (const name of ['tracker_refused', 'node_parts_failed', 'node_gateway_aborted']) t.match(fresh, `piecemeal_${name}_total{code="${code}"} 0\n`)
  }
  for (const status of ['2xx', '3xx', '4xx', '5xx']) t.match(fresh, `gateway_requests_total{status="${status}"} 0\n`)
  t.match(fresh, 'piecemeal_tracker_requests_total{mode="need",outcome="refused"} 0\n')
  t.match(fresh, 'piecemeal_tracker_connections{state="strangers"} 1\n')
  t.match(fresh, 'process_cpu_seconds_total')
  for (const [, name = '', type] of fresh.matchAll(/^# TYPE (\w+) (\w+)$/gm)) t.equal(name.endsWith('_total'), type === 'counter', name)

  tracker.answered('need', 0.2, 'E_NO_OWNER')
  tracker.answered('need', 2_000)
  tracker.answered('other', 0, 'E_PROTOCOL')
  node.partEnded(10, 'E_DIGEST')
  node.partEnded(5, undefined)
  node.saved(90_000)
  node.gatewayAnswered(206)
  const grown = await text()
  for (const line of ['piecemeal_tracker_requests_total{mode="need",outcome="refused"} 1', 'piecemeal_tracker_requests_total{mode="need",outcome="ok"} 1', 'piecemeal_tracker_refused_total{code="E_NO_OWNER"} 1',
    'piecemeal_tracker_request_seconds_bucket{le="0.0001"} 1', 'piecemeal_tracker_request_seconds_bucket{le="0.00025"} 2', 'piecemeal_tracker_request_seconds_bucket{le="1"} 2', 'piecemeal_tracker_request_seconds_bucket{le="+Inf"} 3',
    'piecemeal_tracker_request_seconds_count 3', 'piecemeal_node_download_bytes_total 15', 'piecemeal_node_pieces_bad_total 1', 'piecemeal_node_parts_failed_total{code="E_DIGEST"} 1',
    'piecemeal_node_download_seconds_bucket{le="86400"} 0', 'piecemeal_node_download_seconds_bucket{le="+Inf"} 1', 'piecemeal_node_gateway_requests_total{status="2xx"} 1']) t.match(grown, `${line}\n`)
})

await t.test('what is no value of a label is not counted', async (t) => {
  const counter = new Counter({ name: 'x_total', help: 'x', labels: { a: ['1', '2'] } })
  counter.add(1, '3')
  counter.add(2, '1')
  t.strictSame(counter.samples(), [{ labels: { a: '1' }, value: 2 }, { labels: { a: '2' }, value: 0 }])
  t.strictSame(await new Gauge({ name: 'y', help: 'y', read: () => undefined }).samples(), [])
  const histogram = new Histogram({ name: 'z', help: 'z', bounds: [1, 2] })
  histogram.observe(1)
  t.strictSame(histogram.samples().map(({ value }) => value), [1, 1, 1, 1, 1])
})

await t.test('the dashboard and the rules name metrics that there are, and the dashboard all of them', async (t) => {
  const there = new Set([...NAMES, ...OF_WEB])
  const namesIn = (text: string): string[] => [...text.matchAll(/\bpiecemeal_(?:tracker|node)_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''))
  const files = filesOf('fixtures/monitoring').filter((path) => /\.(?:ya?ml|json|md)$/.test(path))
  t.ok(files.length > 4, 'files were found')
  for (const path of files) t.strictSame(namesIn(read(path)).filter((name) => !there.has(name)), [], path)
  t.strictSame([...there].filter((name) => !namesIn(read('fixtures/monitoring/dashboard.json')).includes(name)), [])
})
