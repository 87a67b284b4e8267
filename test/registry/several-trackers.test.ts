/** Several registries on one Redis, as several trackers have them. */
import { once } from 'node:events'
import t from 'tap'
import { eachInFlight } from '../../lib/net/in-flight.js'
import { RedisClient } from '../../lib/registry/redis-client.js'
import type { Report } from '../../lib/protocol/node-to-tracker.js'
import type { RedisRegistry } from '../../lib/registry/redis-registry.js'
import { parseRegistryAddress } from '../../lib/registry/registry-address.js'
import type { Scope } from '../helpers/command.js'
import { digestOf, record } from '../tracker/registry-conformance.js'
import { openOn, startRedis, until, withoutRedis, type RedisServer } from './redis-server.js'

/** Fifty times as fast. */
const QUICK = { leaseMs: 400, renewMs: 100, trustMs: 250, rewriteMs: 60_000 }
const WAIT_MS = 15_000

let redis: RedisServer

interface Killable {
  registry: RedisRegistry
  /** As `kill -9` of its tracker: whatever it does, Redis hears nothing of it any more. */
  kill: () => void
}

async function tracking (t: Scope, prefix: string, more: Parameters<typeof openOn>[2] = {}): Promise<Killable> {
  const client = new RedisClient(parseRegistryAddress(redis.url, { mayHavePassword: true }))
  await client.connect()
  const registry = await openOn(t, redis.url, { prefix, times: QUICK, client, ...more })
  return { registry, kill: () => client.close() }
}

async function restored (registry: RedisRegistry): Promise<void> {
  await once(registry, 'restored', { signal: AbortSignal.timeout(WAIT_MS) })
}

async function owners (registry: RedisRegistry, filename: string): Promise<string[]> {
  return await registry.owners({ filename, asker: 'asker' }).then(({ owners }) => owners.map(({ name }) => name).sort(), (error: { code: string }) => [error.code])
}

await t.test('several trackers', { skip: withoutRedis() }, async (t) => {
  redis = await startRedis(t)

  await t.test('each knows what the others\' nodes have', async (t) => {
    const [a, b] = [(await tracking(t, 'both')).registry, (await tracking(t, 'both')).registry]
    await a.join('A')
    await b.join('B')
    await a.have('A', record('file'))
    await b.have('B', record('file', { complete: false }))
    t.strictSame(await owners(b, 'file'), ['A', 'B'])
    t.match((await b.list('', 10)).files, [{ filename: 'file', size: 5, digest: digestOf('a'), owners: 2, since: Number }])
    await t.rejects(b.join('A'), { code: 'E_NAME_TAKEN' })
    await a.leave('A')
    await until(async () => (await owners(b, 'file')).join() === 'B')
    await t.resolves(b.join('A'), 'free at once')
    t.strictSame([a.sharesOf('A'), b.sharesOf('A'), b.sharesOf('B')], [0, 0, 1])
    await until(async () => (await a.sizes()).records === 1)
    t.match(await a.sizes(), { files: 1, records: 1, trackers: 2, memoryBytes: Number })
  })

  await t.test('a node that goes to another tracker keeps its name, and what its old connection says late harms nothing', async (t) => {
    const [a, b] = [(await tracking(t, 'move')).registry, (await tracking(t, 'move')).registry]
    const membership = { session: 'aa', onReplaced: () => {} }
    await a.join('A', membership)
    await a.have('A', record('file'))
    await b.join('A', membership)
    await b.have('A', record('file', { outputPort: 7 }))
    await a.withdraw('A', 'file')
    await a.leave('A')
    t.match(await b.owners({ filename: 'file', asker: 'x' }), { owners: [{ name: 'A', outputPort: 7 }] })
    await t.rejects(a.join('A', { session: 'bb', onReplaced: () => {} }), { code: 'E_NAME_TAKEN' }, 'still b\'s')
  })

  await t.test('two nodes of one name at two trackers: one wins, always', async (t) => {
    const [a, b] = [(await tracking(t, 'race')).registry, (await tracking(t, 'race')).registry]
    const winners: number[] = []
    // All at once a busy machine takes longer for than Redis has; names are given out here and there then.
    await eachInFlight(Array(1_000).keys(), 50, async (i) => {
      const results = await Promise.allSettled([a.join(`N${i}`, { session: 'aa', onReplaced: () => {} }), b.join(`N${i}`, { session: 'bb', onReplaced: () => {} })])
      winners.push(results.filter(({ status }) => status === 'fulfilled').length)
    })
    t.equal(winners.length, 1_000)
    t.strictSame(winners.filter((count) => count !== 1), [])
  })

  await t.test('what goes on at the nodes of a tracker that lives is known to the others', async (t) => {
    const [dead, { registry }] = [await tracking(t, 'reports'), await tracking(t, 'reports')]
    const report = { down: [['file', '0'.repeat(16), 1, 5, 3, [['A', 3]]]], up: 7 } satisfies Report
    t.strictSame(await registry.reports.others(), [])
    await dead.registry.reports.tell([{ name: 'Gone', report }])
    await until(async () => (await registry.reports.others()).length === 1)
    t.strictSame(await registry.reports.others(), [{ name: 'Gone', report }])
    t.strictSame(await dead.registry.reports.others(), [], 'its own it knows')
    await dead.registry.reports.tell([])
    t.strictSame(await redis.keys('reports:tracker:*:reports'), [])
    await dead.registry.reports.tell(Array.from({ length: 4_000 }, (_, i) => ({ name: `N${i}`, report })))
    const [key = ''] = await redis.keys('reports:tracker:*:reports')
    t.ok(Number(await redis.call('STRLEN', key)) <= 256 * 1_024)
    await until(async () => (await registry.reports.others()).length > 1_000)
    for (const nonsense of ['[["A",{"down":1}]]', '{}', 'x', `[["A",${JSON.stringify(report)}],["-",1]]`]) {
      await redis.call('SET', key, nonsense)
      await until(async () => (await registry.reports.others()).length === 0)
    }
    await dead.registry.reports.tell([{ name: 'Gone', report }])
    await until(async () => (await registry.reports.others()).length === 1)
    dead.kill()
    await until(async () => (await registry.reports.others()).length === 0)
  })

  await t.test('a tracker that is killed: its nodes are listed no longer, their names are free, and Redis forgets them', async (t) => {
    const [dead, { registry }] = [await tracking(t, 'killed'), await tracking(t, 'killed')]
    await dead.registry.join('Gone', { session: 'aa', onReplaced: () => {} })
    await registry.join('A')
    for (let i = 0; i < 100; i++) await dead.registry.have('Gone', record(`gone ${i}`, { origin: true }))
    for (const [at, node] of [[dead.registry, 'Gone'], [registry, 'A']] as const) await at.have(node, record('both'))
    t.strictSame(await owners(registry, 'both'), ['A', 'Gone'])
    dead.kill()
    await t.resolves(registry.join('Gone', { session: 'aa', onReplaced: () => {} }), 'its node comes at once')
    await until(async () => (await owners(registry, 'both')).join() === 'A')
    await until(async () => (await registry.list('', 10)).files.length === 1)
    await until(async () => (await redis.call('ZCARD', 'killed:trackers')) === 1)
    t.strictSame((await redis.keys('killed:[fo]:*')).length, 2, 'the file that is left, and its owners')
    await dead.registry.join('Other')
    t.equal(dead.registry.isDegraded, true, 'it goes on by itself')
  })

  await t.test('a tracker that is killed while it sweeps keeps the others from it no longer than until it is known to be dead', async (t) => {
    const a = await tracking(t, 'sweeper')
    // Of both, the first would be the one whose lease ends first.
    const [token = ''] = await redis.call('ZRANGE', 'sweeper:trackers', 0, -1) as string[]
    const { registry: b } = await tracking(t, 'sweeper')
    await a.registry.join('A')
    await a.registry.have('A', record('file'))
    a.kill()
    await redis.call('SET', 'sweeper:sweep', `${token} `, 'PX', 30_000)
    await until(async () => (await redis.call('ZCARD', 'sweeper:trackers')) === 1)
    await until(async () => (await owners(b, 'file')).join() === 'E_NO_OWNER')
    await until(async () => (await redis.call('EXISTS', 'sweeper:sweep')) === 0)
    t.pass('long before the lock ends by itself')
  })

  await t.test('another node takes the name of one whose tracker is dead, once that is sure', async (t) => {
    const [dead, { registry }] = [await tracking(t, 'taken'), await tracking(t, 'taken')]
    await dead.registry.join('A', { session: 'aa', onReplaced: () => {} })
    dead.kill()
    await t.rejects(registry.join('A', { session: 'bb', onReplaced: () => {} }), { code: 'E_NAME_TAKEN' })
    await until(async () => await registry.join('A', { session: 'bb', onReplaced: () => {} }).then(() => true, () => false))
  })

  await t.test('Redis\' clock goes an hour forth and back: nobody who lives is swept', async (t) => {
    let offsetMs = 0
    const redisClock = (): number => Date.now() + offsetMs
    const [a, b] = [(await tracking(t, 'clock', { redisClock })).registry, (await tracking(t, 'clock', { redisClock })).registry]
    await a.join('A')
    await a.have('A', record('file'))
    const degraded: unknown[] = []
    for (const registry of [a, b]) registry.on('degraded', (reason) => degraded.push(reason))
    // By the ends of their leases, whichever was renewed last.
    const tokens = async (): Promise<string[]> => (await redis.call('ZRANGE', 'clock:trackers', 0, -1) as string[]).sort()
    const before = await tokens()
    for (offsetMs of [3_600_000, -3_600_000, 0]) {
      const ends = await redis.call('ZRANGE', 'clock:trackers', 0, -1, 'WITHSCORES') as string[]
      for (let times = 0; times < 3; times++) await until(async () => (await redis.call('ZRANGE', 'clock:trackers', 0, -1, 'WITHSCORES') as string[]).every((word, i) => i % 2 === 0 || word !== ends[i]))
      t.strictSame(await owners(b, 'file'), ['A'])
    }
    t.strictSame(await tokens(), before)
    t.strictSame(degraded, [])
  })

  await t.test('a tracker that was taken for dead writes everything anew under a new token', async (t) => {
    const [a, b] = [(await tracking(t, 'buried')).registry, (await tracking(t, 'buried')).registry]
    await a.join('A')
    await a.have('A', record('file'))
    const [token = ''] = await redis.call('ZRANGE', 'buried:trackers', 0, -1) as string[]
    const back = restored(a)
    await redis.call('ZADD', 'buried:trackers', 0, token)
    await back
    await until(async () => !(await redis.call('ZRANGE', 'buried:trackers', 0, -1) as string[]).includes(token))
    t.strictSame(await owners(b, 'file'), ['A'])
    await t.rejects(b.join('A'), { code: 'E_NAME_TAKEN' })
  })

  await t.test('all data is lost: everything is written again', async (t) => {
    const [a, b] = [(await tracking(t, 'flushed')).registry, (await tracking(t, 'flushed')).registry]
    for (const [registry, node] of [[a, 'A'], [b, 'B']] as const) {
      await registry.join(node)
      for (let i = 0; i < 50; i++) await registry.have(node, record(`file ${i}`))
    }
    const back = Promise.all([restored(a), restored(b)])
    const { net } = a
    await redis.call('FLUSHALL')
    await back
    t.strictSame([a.net, b.net, await redis.call('GET', 'flushed:net')], [net, net, net], 'known by the same as before')
    t.strictSame(await owners(a, 'file 0'), ['A', 'B'])
    t.equal((await b.list('', 100)).files.length, 50)
    await t.rejects(b.join('A'), { code: 'E_NAME_TAKEN' })
  })

  await t.test('whoever leaves cleanly leaves nothing of itself', async (t) => {
    const { registry } = await tracking(t, 'clean')
    await registry.join('A')
    await registry.have('A', record('file'))
    await registry.leave('A')
    await registry.close()
    t.strictSame(await redis.keys('clean:*'), ['clean:net'], 'but for what the network is known by')
  })
})
