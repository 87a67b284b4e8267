/**
 * Random histories of three trackers against a plain map: whatever nodes announce, move, withdraw and leave, and whichever tracker is killed, taken
 * for dead or loses all of Redis, in the end everybody says the same as the map does. A history that fails is cut down to what matters.
 */
import fc from 'fast-check'
import t from 'tap'
import type { RedisClient } from '../../lib/registry/redis-client.js'
import type { RedisRegistry } from '../../lib/registry/redis-registry.js'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import type { Registry } from '../../lib/tracker/registry.js'
import type { Scope } from '../helpers/command.js'
import { digestOf, record } from '../tracker/registry-conformance.js'
import { openOn, startRedis, until, withoutRedis, type RedisServer } from './redis-server.js'

const QUICK = { leaseMs: 400, renewMs: 100, trustMs: 250, rewriteMs: 60_000 }
const NODES = ['A', 'B', 'C', 'D']
const FILES = ['x', 'x y', '{z}']
const CONTENTS = ['a', 'b']
const TRACKERS = 3
let prefixes = 0
const HANDOVERS = 3

interface Share { content: string, complete: boolean, outputPort: number }
interface Node { at: number, session: string, handovers: number, isDead: boolean, files: Map<string, Share> }

/** Three trackers, and what may befall one. */
interface Trackers {
  at: (tracker: number) => Registry
  /** All its nodes are gone with it, and another one has its place. */
  kill: (tracker: number, nodes: readonly string[]) => Promise<void>
  /** The others take one that lives for dead. */
  bury: () => Promise<void>
  flush: () => Promise<void>
}

const node = fc.constantFrom(...NODES)
const tracker = fc.nat(TRACKERS - 1)
const file = fc.constantFrom(...FILES)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), node, tracker, session: fc.constantFrom('aa', 'bb') }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('have' as const), node, file, content: fc.constantFrom(...CONTENTS), complete: fc.boolean(), outputPort: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('withdraw' as const), node, file }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), node, outputPort: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), tracker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bury' as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Does it there and in the map. */
async function take (step: Step, trackers: Trackers, nodes: Map<string, Node>): Promise<void> {
  if (step.do === 'flush') return await trackers.flush()
  if (step.do === 'bury') return await trackers.bury()
  if (step.do === 'kill') {
    const its = [...nodes].filter(([, { at, isDead }]) => at === step.tracker && !isDead)
    for (const [, node] of its) Object.assign(node, { isDead: true, files: new Map() })
    return await trackers.kill(step.tracker, its.map(([name]) => name))
  }
  const held = nodes.get(step.node)
  if (step.do === 'join') return await join(step, held, trackers, nodes)
  if (held === undefined || held.isDead) return
  const registry = trackers.at(held.at)
  if (step.do === 'leave') {
    nodes.delete(step.node)
    await registry.leave(step.node)
  } else if (step.do === 'withdraw') {
    held.files.delete(step.file)
    await registry.withdraw(step.node, step.file)
  } else if (step.do === 'move') {
    for (const share of held.files.values()) share.outputPort = step.outputPort
    await registry.move(step.node, { host: '127.0.0.1', inputPort: 8082, outputPort: step.outputPort })
  } else {
    const { content, complete, outputPort } = step
    held.files.set(step.file, { content, complete, outputPort })
    await registry.have(step.node, record(step.file, { digest: digestOf(content), complete, outputPort }))
  }
}

async function join ({ node, tracker, session }: Extract<Step, { do: 'join' }>, held: Node | undefined, trackers: Trackers, nodes: Map<string, Node>): Promise<void> {
  // How often a name may change hands is in the contract of all registries.
  if (held !== undefined && held.handovers >= HANDOVERS) return
  const ask = async (): Promise<void> => { await trackers.at(tracker).join(node, { session, onReplaced: () => {} }) }
  // Whoever dies with its tracker has its name until that is known to be dead: it is asked for again, as nodes do.
  const askAgain = async (): Promise<boolean> => await ask().then(() => true, (error: { code: string }) => {
    if (error.code !== 'E_NAME_TAKEN') throw error
    return false
  })
  const joining = held?.isDead ? until(askAgain, 10_000) : ask()
  if (held !== undefined && !held.isDead && held.session !== session) {
    const code = await joining.then(() => 'joined', (error: { code: string }) => error.code)
    if (code !== 'E_NAME_TAKEN') throw new Error(`${node} ${code}`)
    return
  }
  await joining
  // What its old connection ends with comes late, and harms nothing.
  if (held !== undefined && !held.isDead && trackers.at(held.at) !== trackers.at(tracker)) await trackers.at(held.at).leave(node)
  nodes.set(node, { at: tracker, session, handovers: held === undefined ? 0 : held.handovers + 1, isDead: false, files: new Map() })
}

/** What the map says, a line each record. */
function meant (nodes: Map<string, Node>): string[] {
  return [...nodes].flatMap(([name, { files }]) => [...files].map(([file, { content, complete, outputPort }]) => line(file, digestOf(content), name, complete, outputPort))).sort()
}

async function said (registry: Registry): Promise<string[]> {
  const { files } = await registry.list('', 100)
  const lines = await Promise.all(files.map(async ({ filename, digest, owners: count }) => {
    const { owners } = await registry.owners({ filename, asker: 'asker', digestPrefix: digest })
    if (owners.length !== count) throw new Error(`${owners.length} owners of ${filename}, not ${count}`)
    return owners.map(({ name, complete, outputPort }) => line(filename, digest, name, complete, outputPort))
  }))
  return lines.flat().sort()
}

function line (...words: Array<string | number | boolean>): string {
  return words.join('|')
}

async function holds (make: () => Promise<Trackers & { close: () => Promise<void> }>, numRuns: number): Promise<void> {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
    const [trackers, nodes] = [await make(), new Map<string, Node>()]
    try {
      for (const step of steps) await take(step, trackers, nodes)
      const expected = meant(nodes).join('\n')
      for (let i = 0; i < TRACKERS; i++) {
        let last: unknown
        await until(async () => {
          last = await said(trackers.at(i)).then((lines) => lines.join('\n'), (error: Error) => error.message)
          return last === expected
        }, 3_000).catch(() => { throw new Error(`tracker ${i} says\n${String(last)}\nand not\n${expected}`) })
      }
    } finally {
      await trackers.close()
    }
  }), { numRuns, endOnFailure: false })
}

await t.test('random histories in memory', async () => {
  await holds(async () => {
    const registry = new MemoryRegistry()
    const nothing = async (): Promise<void> => {}
    return { at: () => registry, kill: async (_, nodes) => { for (const name of nodes) await registry.leave(name) }, bury: nothing, flush: nothing, close: nothing }
  }, 200)
})

await t.test('random histories in Redis', { skip: withoutRedis() }, async (t) => {
  const redis = await startRedis(t)
  await holds(async () => await redisTrackers(t, redis), 6)
})

async function redisTrackers (t: Scope, redis: RedisServer): Promise<Trackers & { close: () => Promise<void> }> {
  const prefix = `model-${prefixes++}`
  const client = await redis.client()
  const start = async (): Promise<{ registry: RedisRegistry, client: RedisClient }> => {
    const client = await redis.client()
    return { registry: await openOn(t, redis.url, { prefix, times: QUICK, client }), client }
  }
  const all = [await start(), await start(), await start()]
  const tokens = async (): Promise<string[]> => await client.call('ZRANGE', `${prefix}:trackers`, 0, -1) as string[]
  /** Until those are forgotten, and so many trackers live and are well. */
  const settled = async (gone: readonly string[], living: number): Promise<void> => await until(async () => {
    const now = await tokens()
    return now.length === living && !now.some((token) => gone.includes(token)) && all.filter(({ registry }) => !registry.isDegraded).length >= living
  })
  const at = (tracker: number): typeof all[number] => all[tracker] as typeof all[number]
  return {
    at: (tracker) => at(tracker).registry,
    kill: async (tracker) => {
      at(tracker).client.close()
      await settled([], TRACKERS - 1)
      all[tracker] = await start()
    },
    bury: async () => {
      const [token = ''] = await tokens()
      await client.call('ZADD', `${prefix}:trackers`, 0, token)
      await settled([token], TRACKERS)
    },
    flush: async () => {
      const before = await tokens()
      await client.call('FLUSHALL')
      await settled(before, TRACKERS)
    },
    close: async () => {
      await Promise.all(all.map(async ({ registry }) => await registry.close()))
      client.close()
    },
  }
}
