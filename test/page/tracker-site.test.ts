/** What a tracker's page and API say, and how pages that look on are told. */
import { EventEmitter, once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { EVENT_STREAMS } from '../../lib/protocol/limits.js'
import { changes, NOTHING, type PageState } from '../../lib/page/page-state.js'
import { Traffic } from '../../lib/page/traffic.js'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import type { NodeReport } from '../../lib/tracker/registry.js'
import { digestOf, stage } from './stage.js'
import type { Scope } from '../net/peer.js'

interface Told { event: string, data: Record<string, { put: unknown[][], gone: string[] }> }

/** A page that looks on. */
async function looking (t: Scope, url: string): Promise<(what: (told: Told) => boolean) => Promise<Told>> {
  const request = get(`${url}/api/v1/events`, { agent: false })
  t.teardown(() => request.destroy())
  request.on('error', () => {})
  const [response] = await once(request, 'response') as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(String(response.statusCode))
  response.on('error', () => {})
  let text = ''
  const told: Told[] = []
  let wake = (): void => {}
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const one of events) {
      const [, event = '', data = '{}'] = /^event: (\w+)\ndata: (.*)$/s.exec(one) ?? []
      told.push({ event, data: JSON.parse(data) as Told['data'] })
    }
    wake()
  })
  return async (what) => {
    const deadline = AbortSignal.timeout(10_000)
    for (;;) {
      deadline.throwIfAborted()
      const found = told.find(what)
      if (found) return found
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, 1_000).unref()
      })
    }
  }
}

const json = async (url: string): Promise<Record<string, any>> => await (await fetch(url)).json() as Record<string, unknown> // eslint-disable-line @typescript-eslint/no-explicit-any

await t.test('what there is, as JSON', async (t) => {
  const { url, node } = await stage(t)
  const [a, b] = [await node('NodeA'), await node('NodeB')]
  await a.have('a b', { size: 5 })
  await b.have('a b', { size: 5, complete: false })
  await a.have('v')
  await b.have('v', { digest: digestOf('w') })
  await b.report({ down: [['a b', digestOf('a b').slice(7, 23), 1, 5, 3, [['NodeA', 3]]]], up: 0 })

  const { files } = await json(`${url}/api/v1/files`)
  t.match(files, [{ filename: 'a b', size: 5, digest: digestOf('a b'), owners: 2, since: Number }, { filename: 'v' }, { filename: 'v' }])
  t.match(await json(`${url}/api/v1/files?limit=2`), { files: { length: 2 }, next: 2 })
  t.match(await json(`${url}/api/v1/files?limit=2&offset=2`), { files: { length: 1 } })
  t.match(await json(`${url}/api/v1/files?prefix=v`), { files: { length: 2 } })
  t.match(await json(`${url}/api/v1/nodes`), { nodes: [{ name: 'NodeA', host: '127.0.0.1', files: 2, since: Number }, { name: 'NodeB' }] })
  const transfer = { node: 'NodeB', filename: 'a b', bytes: 1, size: 5, rate: 3, owners: [{ name: 'NodeA', rate: 3 }] }
  t.match(await json(`${url}/api/v1/transfers`), { transfers: [transfer] })
  t.match(await json(`${url}/api/v1/files/a%20b`), { filename: 'a b', versions: { length: 1 }, digest: digestOf('a b'), owners: { length: 2 }, transfers: [transfer] })
  t.match(await json(`${url}/api/v1/files/v`), { versions: { length: 2 }, owners: [] }, 'several contents: none is picked')
  t.match(await json(`${url}/api/v1/files/v?digest=${digestOf('w').slice(7)}`), { digest: digestOf('w'), owners: [{ name: 'NodeB' }] })
  for (const [path, status] of [['/nobody', 404], ['/a%2fb', 400], ['/v?digest=x', 400], ['?limit=1001', 400], ['?offset=-1', 400], ['?limit=x', 400]] as const) t.equal((await fetch(`${url}/api/v1/files${path}`)).status, status, path)
  t.match(await (await fetch(`${url}/metrics`)).text(), 'piecemeal_tracker_requests_total{mode="have",outcome="ok"} 4\n')
  t.equal((await fetch(`${url}/readyz`)).status, 200)
})

await t.test('what goes on at the nodes of all trackers that share the registry', async (t) => {
  const told = new EventEmitter<{ told: [NodeReport[]] }>()
  const reportOf = (name: string, filename: string, rate: number): NodeReport => ({ name, report: { down: [[filename, '0'.repeat(16), 1, 5, rate, []]], up: 0 } })
  const reports = {
    tell: async (own: Iterable<NodeReport>) => { told.emit('told', [...own]) },
    others: async () => [reportOf('There', 'x', 4), reportOf('Here', 'what it fetched there', 2)],
  }
  const { url, node } = await stage(t, { registry: Object.assign(new MemoryRegistry(), { reports }) })
  const here = await node('Here')
  const { name, report } = reportOf('Here', 'x', 1)
  await here.have('mine')
  await here.report(report)
  const { transfers } = await json(`${url}/api/v1/transfers`)
  t.match(transfers, [{ node: 'There', filename: 'x', rate: 4 }, { node: 'Here', filename: 'x', rate: 1 }], 'its own word counts of one that has just come')
  t.equal(transfers.length, 2)
  const [snapshot] = await (await fetch(`${url}/api/v1/snapshot`)).json() as unknown[]
  t.match(snapshot, { figures: { put: [['', { rate: 5 }]] } })
  t.strictSame(await once(told, 'told', { signal: AbortSignal.timeout(10_000) }), [[{ name, report }]], 'the others are told')
})

await t.test('a page is told what there is, and then what changes', async (t) => {
  const { url, node } = await stage(t)
  const a = await node('NodeA')
  await a.have('first')
  const heard = await looking(t, url)
  t.match(await heard(({ event }) => event === 'snapshot'), { data: { figures: { put: [['', { nodes: 1, files: 1 }]] } } })
  t.match(await heard(({ data }) => data.files !== undefined), { data: { files: { put: [[String, 'first']], gone: [] } } })
  await a.have('second')
  t.match(await heard(({ event, data }) => event === 'change' && data.files?.put[0]?.[1] === 'second'), { data: { files: { put: { length: 1 }, gone: [] } } }, 'what is new alone')
  await a.leave()
  t.match(await heard(({ data }) => data.files?.gone.length === 2), { data: { files: { put: [] } } })
})

await t.test('so many look on, and no more; the next one asks instead', async (t) => {
  const { url } = await stage(t)
  await Promise.all(Array.from({ length: EVENT_STREAMS }, async () => await looking(t, url)))
  await t.rejects(looking(t, url), { message: '503' })
  const snapshot = await (await fetch(`${url}/api/v1/snapshot`)).json() as Array<Record<string, unknown>>
  t.match(snapshot[0], { figures: { put: [['', { nodes: 0 }]] } })
})

await t.test('changes come in messages that a page takes in at once', async (t) => {
  const table = (count: number, text = ''): ReadonlyMap<string, string> => new Map(Array.from({ length: count }, (_, i) => [String(i), JSON.stringify([String(i), `${i}${text}`.padEnd(90)])]))
  const all: PageState = { ...NOTHING, files: table(10_000) }
  const messages = [...changes(NOTHING, all)]
  t.ok(messages.length > 10)
  for (const message of messages) t.ok(message.length < 80_000)
  const rows = messages.flatMap((message) => (JSON.parse(message) as { files: { put: unknown[] } }).files.put)
  t.equal(rows.length, 10_000)
  t.strictSame([...changes(all, all)], [])
  t.strictSame([...changes(all, { ...all, files: table(9_999) })].map((message) => JSON.parse(message) as unknown), [{ files: { put: [], gone: ['9999'] } }])
})

await t.test('the traffic of an hour', async (t) => {
  let rate = 1
  const traffic = new Traffic({ rate: async () => rate }, (error) => t.error(error))
  t.teardown(() => traffic.close())
  for (let i = 1; i <= 400; i++) {
    rate = i
    await traffic.mark(i * 10_000)
  }
  t.equal(traffic.marks.length, 360)
  t.strictSame(traffic.marks.at(-1), [4_000, 400])
})
