/**
 * What a registry in Redis answers a second, beside the one in memory, in one process. Redis is on this machine and has its share of the
 * processor, so several trackers on machines of their own do more.
 */
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import type { OwnerRecord, Registry } from '../../lib/tracker/registry.js'
import { eachInFlight } from '../../lib/net/in-flight.js'
import { count } from '../../lib/ui/format.js'
import type { Stage } from '../demo/stage.js'
import { openOn, RedisServer } from '../registry/redis-server.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { hintUnlessFound } from './processes.js'
import type { Ratio } from './ratios.js'
import { copyFile, usedBytes } from './registry-copies.js'
import { median } from './statistics.js'

const OWNERS = 50
/** That are announced one by one. */
const ANNOUNCED = 1_000
/** More than a tracker remembers answers for. The others are copies of them in Redis. */
const FILES = 20_000
const FILES_OF_ONE = 1_000_000
const IN_FLIGHT = 64
/** Half of what is asked. */
const PACE = 7_500
const LEAST_QUESTIONS = 15_000
const PREFIX = 'pm'

/** A second, unless it says otherwise. */
interface Measured {
  haves: number
  distinct: number
  hot: number
  /** Of 100 questions at half the pace that is asked for, 99 took no longer. */
  p99Ms?: number | undefined
  bytes?: number
}

export async function registry (_stage: Stage, { rounds, quick, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const hint = hintUnlessFound(['redis-server'], 'apt-get install redis-server')
  const measured = new Map<string, Measured[]>([['memory', []], ['Redis, one tracker', []], ['Redis, three trackers', []]])
  for (let round = 0; round < (hint === undefined ? rounds : 0); round++) {
    for (const [name, ofRounds] of measured) {
      ofRounds.push(name === 'memory' ? await measure([new MemoryRegistry()]) : await inRedis(name.endsWith('three trackers') ? 3 : 1))
      say(`registry: ${name}, round ${round + 1}: ${JSON.stringify(ofRounds.at(-1))}`)
    }
  }
  const bytesOfOne = hint === undefined && !quick ? [await bytesOfFilesOfOne()] : []
  const values = (name: string, of: (one: Measured) => number | undefined): number[] => (measured.get(name) ?? []).map((one) => of(one) ?? NaN)
  const ofMemory = (name: string, of: (one: Measured) => number): number[] => values(name, of).map((value, round) => value / (values('memory', of)[round] ?? NaN))
  const one = 'Redis, one tracker'
  const row = (ratio: Omit<Ratio, 'what' | 'ours'> & Partial<Pick<Ratio, 'what' | 'ours'>>): Ratio => ({ what: `a registry, ${OWNERS} owners a file`, ours: one, ...ratio, ...(ratio.values.length === 0 && { skipped: hint ?? 'not in a quick run' }) })
  return {
    title: `A registry that trackers share, in one process with it, ${count(rounds, 'round')}`,
    table: [
      ['registry', 'have a second', 'first need a second', 'need of one file a second', `99 of 100 at ${PACE.toLocaleString('en')} a second`, 'bytes a record'],
      ...[...measured].filter(([, ofRounds]) => ofRounds.length > 0).map(([name, ofRounds]) => [name, ...(['haves', 'distinct', 'hot', 'p99Ms', 'bytes'] as const).map((which) => {
        const all = ofRounds.flatMap((measured) => measured[which] ?? [])
        return all.length === 0 ? '' : which === 'p99Ms' ? `${median(all).toFixed(1)} ms` : Math.round(median(all)).toLocaleString('en')
      })]),
      ...bytesOfOne.map((bytes) => [`Redis, ${FILES_OF_ONE.toLocaleString('en')} files of one owner each`, '', '', '', '', Math.round(bytes).toLocaleString('en')]),
    ],
    notes: hint === undefined ? [] : [`Redis was left out: ${hint}`],
    ratios: [
      row({ quantity: 'first questions (more is better)', unit: 'a second', values: values(one, ({ distinct }) => distinct), ask: { atLeast: LEAST_QUESTIONS } }),
      row({ quantity: `99 of 100 questions, ${PACE.toLocaleString('en')} a second`, unit: 'ms', values: values(one, ({ p99Ms }) => p99Ms), ask: { atMost: 10 } }),
      ...([one, 'Redis, three trackers'] as const).flatMap((ours) => [
        row({ ours, theirs: 'memory', quantity: 'have (more is better)', values: ofMemory(ours, ({ haves }) => haves) }),
        row({ ours, theirs: 'memory', quantity: 'first need (more is better)', values: ofMemory(ours, ({ distinct }) => distinct) }),
        row({ ours, theirs: 'memory', quantity: 'need of one file (more is better)', values: ofMemory(ours, ({ hot }) => hot) }),
      ]),
      row({ quantity: `memory of Redis a record, ${FILES.toLocaleString('en')} files`, unit: 'bytes', values: values(one, ({ bytes }) => bytes), ask: { atMost: 120 } }),
      row({ what: 'a registry, one owner a file', quantity: `memory of Redis a record, ${FILES_OF_ONE.toLocaleString('en')} files`, unit: 'bytes', values: bytesOfOne, ask: { atMost: 650 } }),
    ],
    data: { measured: Object.fromEntries(measured), bytesOfOne },
  }
}

async function inRedis (trackers: number): Promise<Measured> {
  return await withRedis(async (redis, scope) => {
    const registries = await Promise.all(Array.from({ length: trackers }, async () => await openOn(scope, redis.url, { prefix: PREFIX })))
    return await measure(registries, redis)
  })
}

/** Each announces, asks for every file once, and then for one again and again. */
async function measure (registries: readonly Registry[], redis?: RedisServer): Promise<Measured> {
  const at = (i: number): Registry => registries[i % registries.length] as Registry
  for (let node = 0; node < OWNERS; node++) await at(node).join(`Node${node}`)
  const haves = await rate(ANNOUNCED * OWNERS, async (i) => await at(i % OWNERS).have(`Node${i % OWNERS}`, record(nameOf(Math.floor(i / OWNERS)), i % OWNERS)))
  const bytes = redis && await usedBytes(redis)
  if (redis !== undefined) await copyFile(redis, PREFIX, record(nameOf(0), 0), { length: FILES - ANNOUNCED, name: (i) => nameOf(ANNOUNCED + i) })
  const files = redis === undefined ? ANNOUNCED : FILES
  const distinct = await rate(files, async (i) => await at(i).owners({ filename: nameOf(i), asker: 'asker' }))
  const hot = await rate(FILES, async (i) => await at(i).owners({ filename: nameOf(0), asker: `asker ${i}` }))
  const more = redis && bytes !== undefined ? { bytes: (await usedBytes(redis) - bytes) / ((FILES - ANNOUNCED) * OWNERS) } : {}
  return { haves, distinct, hot, ...more, ...(redis !== undefined && registries.length === 1 && { p99Ms: await p99(at(0)) }) }
}

async function rate (times: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await eachInFlight(Array(times).keys(), IN_FLIGHT, work)
  return times / (performance.now() - begunMs) * 1_000
}

/** Questions come as they come, whether or not the last ones were answered. Undefined where it can't keep up. */
async function p99 (registry: Registry): Promise<number | undefined> {
  const tookMs: number[] = []
  const begunMs = performance.now()
  const asked: Array<Promise<void>> = []
  while (asked.length < FILES) {
    const due = Math.min(FILES, Math.floor((performance.now() - begunMs) / 1_000 * PACE))
    while (asked.length < due) {
      const dueMs = begunMs + asked.length / PACE * 1_000
      asked.push(registry.owners({ filename: nameOf(asked.length), asker: 'asker' }).then(() => { tookMs.push(performance.now() - dueMs) }))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const outcomes = await Promise.allSettled(asked)
  if (outcomes.some(({ status }) => status === 'rejected')) return undefined
  return tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length * 0.99)]
}

async function bytesOfFilesOfOne (): Promise<number> {
  return await withRedis(async (redis, scope) => {
    const registry = await openOn(scope, redis.url, { prefix: PREFIX })
    await registry.join('Node0')
    await registry.have('Node0', record(nameOf(0), 0))
    const before = await usedBytes(redis)
    await copyFile(redis, PREFIX, record(nameOf(0), 0), { length: FILES_OF_ONE - 1, name: (i) => nameOf(1 + i) })
    return (await usedBytes(redis) - before) / (FILES_OF_ONE - 1)
  })
}

async function withRedis<T> (work: (redis: RedisServer, scope: { teardown: (end: () => unknown) => void }) => Promise<T>): Promise<T> {
  const redis = new RedisServer()
  const ends: Array<() => unknown> = [async () => await redis.close()]
  try {
    await redis.start()
    return await work(redis, { teardown: (end) => ends.unshift(end) })
  } finally {
    for (const end of ends) await end()
  }
}

function nameOf (i: number): string {
  return `measurement ${i}.tar.gz`
}

function record (filename: string, node: number): OwnerRecord {
  return { filename, size: 5, digest: `blake3:${'0'.repeat(64)}`, pieceLength: 1_048_576, host: `10.0.0.${node}`, inputPort: 8082, outputPort: 9092, complete: true }
}
