import t from 'tap'
import { registryConformance } from '../tracker/registry-conformance.js'
import { openOn, startRedis, withoutRedis } from './redis-server.js'

await t.test('the contract of registries, in Redis', { skip: withoutRedis() }, async (t) => {
  const redis = await startRedis(t)
  let networks = 0
  await registryConformance(t, 'redis', async (limits, now) => await openOn(t, redis.url, { prefix: `n${networks++}`, limits, redisClock: now }))
})
