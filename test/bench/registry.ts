/**
 * What a registry in Redis answers a second, beside the one in memory, in one process: `node dist/test/bench/registry.js`. Redis is on this
 * machine and has its share of the processor, so several trackers on machines of their own do more.
 */
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import type { OwnerRecord, Registry } from '../../lib/tracker/registry.js'
import { eachInFlight } from '../../lib/net/in-flight.js'
import { openOn, RedisServer } from '../registry/redis-server.js'

/** Fewer than a tracker remembers answers for, and so many that by the time that a file's turn comes again its answer is no longer shared. */
const FILES = 4_000
const OWNERS = 50
const QUESTIONS = 20_000
const IN_FLIGHT = 64

const ends: Array<() => unknown> = []
const scope = { teardown: (end: () => unknown): void => { ends.unshift(end) } }

function record (filename: string, node: number): OwnerRecord {
  return { filename, size: 5, digest: `blake3:${'0'.repeat(64)}`, pieceLength: 1_048_576, host: `10.0.0.${node}`, inputPort: 8082, outputPort: 9092, complete: true }
}

async function rate (count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await eachInFlight(Array.from({ length: count }, (_, i) => i), IN_FLIGHT, work)
  return count / (performance.now() - begunMs) * 1_000
}

interface Rates {
  haves: number
  first: number
  again: number
  single: number
  hot: number
}

async function measure (name: string, registries: readonly Registry[], memory?: Rates): Promise<Rates> {
  const at = (i: number): Registry => registries[i % registries.length] as Registry
  for (let node = 0; node < OWNERS; node++) await at(node).join(`Node${node}`)
  const haves = await rate(FILES * OWNERS, async (i) => await at(i % OWNERS).have(`Node${i % OWNERS}`, record(`file ${Math.floor(i / OWNERS)}`, i % OWNERS)))
  for (let i = 0; i < FILES; i++) await at(0).have('Node0', record(`single ${i}`, 0))
  // Code that has not run often is slow.
  for (let i = 0; i < FILES; i++) await at(1).have('Node1', record(`warm ${i}`, 1))
  await rate(FILES, async (i) => await at(i).owners({ filename: `warm ${i}`, asker: 'asker' }))
  const ask = async (i: number): Promise<unknown> => await at(i % FILES).owners({ filename: `file ${i % FILES}`, asker: 'asker' })
  const first = await rate(FILES, ask)
  const again = await rate(QUESTIONS, ask)
  const single = await rate(FILES, async (i) => await at(i).owners({ filename: `single ${i}`, asker: 'asker' }))
  const hot = await rate(QUESTIONS, async (i) => await at(i).owners({ filename: 'file 0', asker: `asker ${i}` }))
  const rates = { haves, first, again, single, hot }
  const text = (which: keyof Rates): string => Math.round(rates[which]).toLocaleString('en') + (memory === undefined ? '' : ` (${(rates[which] / memory[which]).toFixed(2)} of memory's)`)
  process.stdout.write(`${name}: ${text('haves')} have/s; need/s: ${text('first')} of ${OWNERS} owners, ${text('again')} of ${OWNERS} that have not changed, ${text('single')} of 1, ${text('hot')} of one file\n`)
  return rates
}

const redis = new RedisServer()
ends.unshift(async () => await redis.close())
try {
  await redis.start()
  const memory = await measure('memory', [new MemoryRegistry()])
  const usedBytes = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(String(await redis.call('INFO', 'memory')))?.[1])
  const before = await usedBytes()
  await measure('redis, 1 tracker', [await openOn(scope, redis.url, { prefix: 'one' })], memory)
  process.stdout.write(`${Math.round((await usedBytes() - before) / (FILES * OWNERS + 2 * FILES))} bytes a record\n`)
  await measure('redis, 3 trackers in one process', [await openOn(scope, redis.url, { prefix: 'three' }), await openOn(scope, redis.url, { prefix: 'three' }), await openOn(scope, redis.url, { prefix: 'three' })], memory)
} finally {
  for (const end of ends) await end()
}
