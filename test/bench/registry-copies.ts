/** Many files in Redis at once, as if each had been announced: copies of one that was. */
import { eachInFlight } from '../../lib/net/in-flight.js'
import { Keys } from '../../lib/registry/keys.js'
import { script } from '../../lib/registry/scripts/script.js'
import type { OwnerRecord } from '../../lib/tracker/registry.js'
import type { RedisServer } from '../registry/redis-server.js'

const IN_FLIGHT = 64

/** Keys: the file and its owners, those of the copy, and the names. Argument: the copy's name. */
const copy = script(`
redis.call('HSET', KEYS[3], unpack(redis.call('HGETALL', KEYS[1])))
redis.call('HSET', KEYS[4], unpack(redis.call('HGETALL', KEYS[2])))
redis.call('ZADD', KEYS[5], 0, ARGV[1])
return 'ok'`)

export async function copyFile (redis: RedisServer, prefix: string, { filename, digest }: OwnerRecord, { length, name }: { length: number, name: (i: number) => string }): Promise<void> {
  const keys = new Keys(prefix)
  const original = keys.of(filename)
  const client = await redis.client()
  await eachInFlight(Array(length).keys(), IN_FLIGHT, async (i) => {
    const ofCopy = keys.of(name(i))
    await client.run(copy, [original.file, keys.ownersOf(original, digest)[0], ofCopy.file, keys.ownersOf(ofCopy, digest)[0], ofCopy.names], [name(i)])
  }).finally(() => client.close())
}

export async function usedBytes (redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.call('INFO', 'memory')))?.[1])
}
