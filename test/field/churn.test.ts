/** A day of nodes that come, go and move over three trackers that are killed now and then, with what is rewritten in ten minutes rewritten every three seconds. */
import t from 'tap'
import { eachInFlight } from '../../lib/net/in-flight.js'
import type { RedisClient } from '../../lib/registry/redis-client.js'
import type { RedisRegistry } from '../../lib/registry/redis-registry.js'
import { record } from '../tracker/registry-conformance.js'
import { openOn, startRedis, until, withoutRedis } from '../registry/redis-server.js'

/**
 * A name that nobody frees stays for three times what is rewritten after. The lease is no shorter since all three trackers
 * are one process, which is busy, and one that is late for its lease is dead to the others.
 */
const TIMES = { leaseMs: 2_500, renewMs: 100, trustMs: 1_000, rewriteMs: 3_000 }
const EVENTS = 20_000
const NODES = 500
const FILES = 200
const KILLED_AFTER = 4_000
/** The nodes that are there in the end. */
const STAYING = 10

t.setTimeout(90_000)

await t.test('after a day of joins, kills and moves nothing is left of anybody who has gone', { skip: withoutRedis(), timeout: 90_000 }, async (t) => {
  const redis = await startRedis(t)
  const start = async (): Promise<{ registry: RedisRegistry, client: RedisClient }> => {
    const client = await redis.client()
    return { registry: await openOn(t, redis.url, { times: TIMES, client }), client }
  }
  const trackers = [await start(), await start(), await start()]
  /** Which registry a node is at; none if it is gone. */
  const places = new Map<string, RedisRegistry>()
  const join = async (node: string, i: number): Promise<void> => {
    const { registry } = trackers[i % trackers.length] as typeof trackers[number]
    // A process anew each time, so its name is there to be had once the last one has left.
    await registry.join(node, { session: i.toString(16), onReplaced: () => {} })
    places.set(node, registry)
    await registry.have(node, record(`file ${i % FILES}`, { complete: i % 2 === 0 }))
  }
  const leave = async (node: string): Promise<void> => {
    const registry = places.get(node)
    places.delete(node)
    await registry?.leave(node)
  }

  let kills = 0
  for (let from = 0; from < EVENTS; from += KILLED_AFTER) {
    // Each node has one event at a time.
    await eachInFlight(Array(NODES).keys(), 64, async (node) => {
      for (let i = from + node; i < from + KILLED_AFTER; i += NODES) {
        const name = `N${node}`
        if (places.has(name)) await leave(name)
        // One in three stays away, or it moves.
        if (i % 3 !== 0) await join(name, i)
      }
    })
    const killed = trackers[kills++ % trackers.length] as typeof trackers[number]
    killed.client.close()
    for (const [node, registry] of places) if (registry === killed.registry) places.delete(node)
    trackers[trackers.indexOf(killed)] = await start()
    // Its nodes' names are free once that it is dead is sure.
    await until(async () => await redis.call('ZCARD', 'pm:trackers') === trackers.length)
  }

  await eachInFlight([...places.keys()].slice(STAYING), 64, leave)
  const nodes = [...places.keys()].sort()
  t.equal(nodes.length, STAYING)
  await until(async () => (await redis.keys('pm:node:*')).length === nodes.length, 20_000)
  t.strictSame(await redis.keys('pm:node:*'), nodes.map((name) => `pm:node:{${name}}`).sort())
  const { files } = await (trackers[0] as typeof trackers[number]).registry.list('', 1_000)
  t.equal(files.reduce((sum, { owners }) => sum + owners, 0), STAYING)
  t.equal((await redis.keys('pm:f:*')).length, files.length)
  const owners = await Promise.all((await redis.keys('pm:o:*')).map(async (key) => Number(await redis.call('HLEN', key))))
  t.equal(owners.reduce((sum, count) => sum + count, 0), STAYING, 'records of those who stay, and of nobody else')
  const names = await Promise.all((await redis.keys('pm:names:*')).map(async (key) => Number(await redis.call('ZCARD', key))))
  t.equal(names.reduce((sum, count) => sum + count, 0), new Set(files.map(({ filename }) => filename)).size)
})
