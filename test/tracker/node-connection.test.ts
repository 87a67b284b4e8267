/** What one connection's place in the network has to do with what it is told. */
import type { Socket } from 'node:net'
import t from 'tap'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import { NodeConnection, type NodeConnectionOptions } from '../../lib/tracker/node-connection.js'
import { digestOf } from './registry-conformance.js'

const TRACKER = '10.0.0.1'

const HAVE = { filename: 'a', size: 5, digest: digestOf('a'), pieceLength: 1_048_576, inputPort: 1, outputPort: 2 }

const OPTIONS: NodeConnectionOptions = {
  heartbeatMs: 20_000,
  tries: { run: async () => await Promise.reject(new Error('nothing is dialled')), reaches: async () => true },
  takesAdvertised: false,
  outwardHost: (host) => host,
  onError: () => {},
  onAnswered: () => {},
  onJoin: () => {},
  onLeave: () => {},
  onAnnounced: () => {},
}

/** Asks as a node that is at `remoteAddress` and has reached the tracker at `localAddress`. */
function node (registry: MemoryRegistry, name: string, remoteAddress: string, localAddress: string, options: Partial<NodeConnectionOptions> = {}): (mode: string, fields?: object) => Promise<Record<string, unknown>> {
  const session = new NodeConnection({ remoteAddress, localAddress } as Socket, undefined, registry, { ...OPTIONS, ...options })
  return async (mode, fields = {}) => {
    const reply = await session.answer({ type: 'NodeToTracker', mode, name, ...fields })
    return (Buffer.isBuffer(reply) ? JSON.parse(reply.toString()) : reply) as Record<string, unknown>
  }
}

await t.test('who joined over loopback is listed elsewhere where the asker reaches the tracker\'s machine', async (t) => {
  const table: Array<[owner: string, asker: string, reached: string, listed: string]> = [
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '10.0.0.9', TRACKER, TRACKER],
    ['127.0.0.1', '::ffff:10.0.0.9', `::ffff:${TRACKER}`, TRACKER],
    ['127.0.0.1', 'fd00::9', 'fd00::1', 'fd00::1'],
    ['::1', '10.0.0.9', TRACKER, TRACKER],
    // The tracker's own machine, by another of its addresses.
    ['127.0.0.1', TRACKER, TRACKER, '127.0.0.1'],
    ['10.0.0.7', '10.0.0.9', TRACKER, '10.0.0.7'],
    ['10.0.0.7', '127.0.0.1', '127.0.0.1', '10.0.0.7'],
  ]
  for (const [owner, asker, reached, listed] of table) {
    const registry = new MemoryRegistry()
    await node(registry, 'NodeA', owner, '127.0.0.1')('have', HAVE)
    await node(registry, 'NodeB', '10.0.0.8', TRACKER)('have', HAVE)
    const ask = node(registry, 'Asker', asker, reached)
    for (const time of ['once', 'and again']) {
      const { owners } = await ask('need', { filename: 'a' }) as { owners: Array<{ name: string, host: string }> }
      t.strictSame(owners.sort((a, b) => a.name < b.name ? -1 : 1).map(({ host }) => host), [listed, '10.0.0.8'], `${owner} for ${asker} at ${reached}, ${time}`)
    }
  }
})

await t.test('once a node has announced something the tracker tries its ports, and says later what came of it', async (t) => {
  const tried: object[] = []
  for (const reachable of [true, false]) {
    const ask = node(new MemoryRegistry(), 'NodeA', '127.0.0.1', '127.0.0.1', {
      tries: { ...OPTIONS.tries, reaches: async (place) => { tried.push(place); return reachable } },
      outwardHost: () => TRACKER,
    })
    t.strictSame((await ask('alive')).reachable, undefined)
    t.strictSame((await ask('have', HAVE)).reachable, undefined)
    t.strictSame((await ask('alive')).reachable, reachable)
    t.strictSame((await ask('have', { ...HAVE, filename: 'b' })).reachable, reachable)
  }
  t.match(tried, [{ host: TRACKER, inputPort: 1, outputPort: 2 }, { host: TRACKER }], 'once, at the place where others are sent')
})
