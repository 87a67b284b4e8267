/** Redis stops, is slow, forgets, is killed: the tracker goes on with what it knows, and writes what is missing when it is back. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { eachInFlight } from '../../lib/net/in-flight.js'
import type { RedisClient } from '../../lib/registry/redis-client.js'
import type { StoreClient } from '../../lib/registry/store.js'
import type { RedisRegistry } from '../../lib/registry/redis-registry.js'
import type { Scope } from '../helpers/command.js'
import { freePort } from '../helpers/ports.js'
import { record } from '../tracker/registry-conformance.js'
import { startProxy } from './redis-proxy.js'
import { openOn, startRedis, until, withoutRedis } from './redis-server.js'

const QUICK = { leaseMs: 1_000, renewMs: 150, trustMs: 500, rewriteMs: 60_000 }
const WAIT_MS = 20_000

async function event (registry: RedisRegistry, name: 'degraded' | 'restored'): Promise<void> {
  await once(registry, name, { signal: AbortSignal.timeout(WAIT_MS) })
}

/** What holds while it is away, and after it. */
async function goesOn (t: Test, registry: RedisRegistry, trouble: { begin: () => Promise<unknown> | void, end: () => Promise<unknown> | void }): Promise<void> {
  await registry.join('A')
  await registry.have('A', record('before'))
  await registry.owners({ filename: 'before', asker: 'x' })
  const degraded = event(registry, 'degraded')
  await trouble.begin()
  await degraded
  const begunMs = performance.now()
  await registry.have('A', record('during'))
  await registry.join('B')
  await registry.have('B', record('during'))
  await registry.withdraw('A', 'before')
  const found = await registry.owners({ filename: 'during', asker: 'B' })
  t.equal(found.owners.length, 1)
  t.equal(found.degraded, true)
  await t.rejects(registry.owners({ filename: 'nobody knows', asker: 'x' }), { code: 'E_REGISTRY' }, 'it can\'t say that nobody has it')
  t.ok(performance.now() - begunMs < 1_000, 'nobody waits for it')
  const restored = event(registry, 'restored')
  await trouble.end()
  await restored
  t.equal((await registry.owners({ filename: 'during', asker: 'x' })).owners.length, 2)
  await t.rejects(registry.owners({ filename: 'before', asker: 'x' }), { code: 'E_NO_OWNER' })
  await t.rejects(registry.join('B'), { code: 'E_NAME_TAKEN' })
}

function bound (client: RedisClient): StoreClient {
  const { connect, run, call, callEach, scan, reconnect, close } = client
  return { connect: connect.bind(client), run: run.bind(client), call: call.bind(client), callEach: callEach.bind(client), scan: scan.bind(client), reconnect: reconnect.bind(client), close: close.bind(client) }
}

await t.test('without Redis', { skip: withoutRedis() }, async (t) => {
  const redis = await startRedis(t)
  let networks = 0
  const opened = async (t: Scope, url = redis.url): Promise<RedisRegistry> => await openOn(t, url, { prefix: `n${networks++}`, times: QUICK })

  await t.test('stopped', async (t) => {
    const registry = await opened(t)
    await goesOn(t, registry, { begin: () => redis.signal('SIGSTOP'), end: () => redis.signal('SIGCONT') })
  })

  await t.test('writes are paused, which a PING would not tell', async (t) => {
    const registry = await opened(t)
    await goesOn(t, registry, {
      begin: async () => await redis.call('CLIENT', 'PAUSE', 60_000, 'WRITE'),
      end: async () => await redis.call('CLIENT', 'UNPAUSE'),
    })
  })

  await t.test('out of memory', async (t) => {
    const registry = await opened(t)
    await goesOn(t, registry, {
      begin: async () => {
        await redis.call('CONFIG', 'SET', 'maxmemory', 1)
      },
      end: async () => await redis.call('CONFIG', 'SET', 'maxmemory', 0),
    })
  })

  await t.test('a replica now', async (t) => {
    const registry = await opened(t)
    const port = await freePort()
    await goesOn(t, registry, {
      begin: async () => await redis.call('REPLICAOF', '127.0.0.1', port),
      end: async () => await redis.call('REPLICAOF', 'NO', 'ONE'),
    })
  })

  await t.test('two seconds away', async (t) => {
    const proxy = await startProxy(t, redis)
    const registry = await opened(t, proxy.url)
    await goesOn(t, registry, { begin: () => { proxy.delayMs = 2_000 }, end: () => { proxy.delayMs = 0 } })
  })

  await t.test('a node of thousands of files leaves: that takes longer than anybody waits, and nobody takes Redis for away', async (t) => {
    const client = await redis.client()
    let delayMs = 0
    const slow = {
      ...bound(client),
      run: async (...call: Parameters<StoreClient['run']>) => {
        await sleep(delayMs)
        return await client.run(...call)
      },
    }
    const registry = await openOn(t, redis.url, { prefix: 'many', times: QUICK, client: slow })
    registry.on('degraded', (reason) => t.fail(reason.message))
    await registry.join('A')
    await eachInFlight(Array(2_500).keys(), 500, async (i) => await registry.have('A', record(`file ${i}`)))
    delayMs = 300
    const begunMs = performance.now()
    await registry.leave('A')
    t.ok(performance.now() - begunMs < 1_500, 'as long as a request waits')
    await until(async () => (await redis.keys('many:f:*')).length === 0)
  })

  await t.test('its connections are cut', async (t) => {
    const registry = await opened(t)
    await registry.join('A')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await t.resolves(registry.have('A', record('after')))
    await until(async () => (await registry.owners({ filename: 'after', asker: 'x' })).degraded === undefined)
  })

  await t.test('killed, and back with nothing', async (t) => {
    const registry = await opened(t)
    await goesOn(t, registry, { begin: async () => await redis.kill(), end: async () => await redis.start() })
  })

  await t.test('an error in one reply fails that request alone', async (t) => {
    const registry = await openOn(t, redis.url, { prefix: 'wrong', times: QUICK })
    await registry.join('A')
    await registry.have('A', record('file'))
    const [key = ''] = await redis.keys('wrong:f:*')
    await redis.call('SET', key, 'of another type')
    await t.rejects(registry.have('A', record('file')), { code: 'E_REGISTRY', message: /WRONGTYPE/ })
    t.equal(registry.isDegraded, false)
    await t.resolves(registry.have('A', record('other')))
  })
})
