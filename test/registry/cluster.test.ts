/** A cluster of three masters, and a master with a replica behind a Sentinel. */
import { EventEmitter, once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { RedisClient } from '../../lib/registry/redis-client.js'
import { parseRegistryAddress } from '../../lib/registry/registry-address.js'
import type { Scope } from '../helpers/command.js'
import { freePort } from '../helpers/ports.js'
import { record } from '../tracker/registry-conformance.js'
import type { RedisServer } from './redis-server.js'
import { openOn, startRedis, startWatchedRedis, until, withoutRedis } from './redis-server.js'

const QUICK = { leaseMs: 1_000, renewMs: 150, trustMs: 500, rewriteMs: 60_000 }
const WAIT_MS = 20_000

async function cluster (t: Scope): Promise<RedisServer[]> {
  const servers: RedisServer[] = []
  for (let i = 0; i < 3; i++) {
    const flags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', String(await freePort()), '--cluster-require-full-coverage', 'yes']
    servers.push(await startRedis(t, { port: await freePort(), flags }))
  }
  const [first] = servers
  const slots = [[0, 5_460], [5_461, 10_922], [10_923, 16_383]] as const
  for (const [i, server] of servers.entries()) {
    await server.call('CLUSTER', 'ADDSLOTSRANGE', ...slots[i] ?? [])
    await server.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
    if (first !== undefined && i > 0) {
      const busPort = Number((await first.call('CONFIG', 'GET', 'cluster-port') as string[])[1])
      await server.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort)
    }
  }
  for (const server of servers) await until(async () => String(await server.call('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  return servers
}

await t.test('a cluster of three masters', { skip: withoutRedis() }, async (t) => {
  const servers = await cluster(t)
  const url = `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  const [a, b] = [await openOn(t, url, { times: QUICK }), await openOn(t, url, { times: QUICK })]
  await a.join('A')
  await b.join('B')
  await t.rejects(b.join('A'), { code: 'E_NAME_TAKEN' })
  const files = Array.from({ length: 60 }, (_, i) => `file {${i}} of {x}`)
  await Promise.all(files.map(async (file) => await a.have('A', record(file))))
  await b.have('B', record('file {0} of {x}'))
  t.equal((await a.owners({ filename: 'file {0} of {x}', asker: 'x' })).owners.length, 2)
  t.equal((await b.list('file', 100)).files.length, 60)
  for (const server of servers) t.ok(Number(await server.call('DBSIZE')) > 10, 'each has a part')
  t.match(await b.sizes(), { files: 60, trackers: 2 })

  await t.test('one of them goes away and comes back with nothing', async (t) => {
    const degraded = Promise.all([a, b].map(async (registry) => await once(registry, 'degraded', { signal: AbortSignal.timeout(WAIT_MS) })))
    await servers[2]?.kill()
    await degraded
    await t.resolves(a.have('A', record('meanwhile')))
    t.match(await a.owners({ filename: 'file {7} of {x}', asker: 'x' }), { degraded: true, owners: [{ name: 'A' }] })
    const restored = Promise.all([a, b].map(async (registry) => await once(registry, 'restored', { signal: AbortSignal.timeout(WAIT_MS) })))
    await servers[2]?.start()
    await restored
    await until(async () => (await b.list('', 100)).files.length === 61)
    for (const file of [...files, 'meanwhile']) t.match(await b.owners({ filename: file, asker: 'B' }), { owners: [{ name: 'A' }] })
  })
})

await t.test('a master that dies behind a Sentinel', { skip: withoutRedis() }, async (t) => {
  const { master, replica, url } = await startWatchedRedis(t)
  const registry = await openOn(t, url, { times: QUICK })
  await registry.join('A')
  await registry.have('A', record('before'))
  const restored = once(registry, 'restored', { signal: AbortSignal.timeout(30_000) })
  const degraded = once(registry, 'degraded', { signal: AbortSignal.timeout(WAIT_MS) })
  await master.kill()
  await degraded
  await registry.have('A', record('meanwhile'))
  await restored
  t.match(String(await replica.call('ROLE')), /^master/)
  for (const file of ['before', 'meanwhile']) t.match(await registry.owners({ filename: file, asker: 'x' }), { owners: [{ name: 'A' }] })
  t.equal((await replica.keys('pm:f:*')).length, 2)
})

await t.test('a connection that is dropped while it is made is made again', { skip: withoutRedis(), timeout: WAIT_MS }, async (t) => {
  const { url } = await startWatchedRedis(t)
  const client = new RedisClient(parseRegistryAddress(url, { mayHavePassword: false }))
  t.teardown(() => client.close())
  await client.connect()
  // The library listens to a connection each time that it drops it.
  const { defaultMaxListeners } = EventEmitter
  EventEmitter.defaultMaxListeners = 0
  t.teardown(() => { EventEmitter.defaultMaxListeners = defaultMaxListeners })
  // As often as the library may do it by itself when a Sentinel tells of a failover; it takes some turns to connect.
  for (let i = 0; i < 20_000; i++) {
    client.reconnect()
    await turn()
  }
  await until(async () => await client.call('PING').then((answer) => answer === 'PONG', () => false))
  t.equal(await client.call('PING'), 'PONG')
})
