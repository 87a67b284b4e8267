/** The tracker over real sockets, word for word. */
import { once } from 'node:events'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import t from 'tap'
import { LineClient } from '../../lib/net/line-client.js'
import { credentialsFor, deriveKeys } from '../../lib/secret/keys.js'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import { Tracker, type TrackerOptions } from '../../lib/tracker/tracker.js'
import { Peer, WAIT_MS, type Scope } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'

const DIGEST = `blake3:${'0123456789abcdef'.repeat(4)}`
const OTHER_DIGEST = `blake3:${'0123456789abcdee'.repeat(4)}`
const OK = { type: 'TrackerToNode', ok: true }

interface Running {
  tracker: Tracker
  port: number
  /** A connection that says this name in whatever it asks. */
  node: (name: string, host?: string) => Promise<NodePeer>
}

class NodePeer {
  readonly peer: Peer
  readonly name: string

  constructor (peer: Peer, name: string) {
    this.peer = peer
    this.name = name
  }

  async ask (mode: string, fields: object = {}): Promise<Record<string, unknown>> {
    return await this.peer.ask({ type: 'NodeToTracker', mode, name: this.name, ...fields })
  }

  async have (filename: string, fields: object = {}): Promise<Record<string, unknown>> {
    return await this.ask('have', { filename, size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 8082, outputPort: 9092, ...fields })
  }
}

async function running (t: Scope, options: TrackerOptions = {}): Promise<Running> {
  const tracker = new Tracker({ port: 0, ...options })
  t.teardown(async () => await tracker.close())
  const { port } = await tracker.start()
  return { tracker, port, node: async (name, host) => new NodePeer(await Peer.connect(t, { host: host ?? '127.0.0.1', port }), name) }
}

async function leaving (tracker: Tracker): Promise<string> {
  const [{ name }] = await once(tracker, 'left', { signal: AbortSignal.timeout(WAIT_MS) }) as [{ name: string }]
  return name
}

await t.test('alive, have, need, list, exit: the replies', async (t) => {
  const { node } = await running(t)
  const [a, b] = [await node('NodeA'), await node('NodeB')]
  t.strictSame(await a.ask('alive'), { ...OK, mode: 'alive', interval: 20 })
  t.strictSame(await a.have('a.png'), { ...OK, mode: 'have', interval: 20 })
  t.strictSame(await b.have('a.png', { complete: false, inputPort: 1, outputPort: 65_535 }), { ...OK, mode: 'have', interval: 20 })

  const c = await node('NodeC')
  const { since, ...found } = await c.ask('need', { filename: 'a.png' })
  t.type(since, 'number')
  t.strictSame(found, {
    type: 'TrackerToNode',
    mode: 'need',
    filename: 'a.png',
    size: 5,
    digest: DIGEST,
    pieceLength: MiB,
    owners: [
      { name: 'NodeA', host: '127.0.0.1', inputPort: 8082, outputPort: 9092, complete: true },
      { name: 'NodeB', host: '127.0.0.1', inputPort: 1, outputPort: 65_535, complete: false },
    ],
  })
  t.strictSame(await c.ask('list'), { type: 'TrackerToNode', mode: 'list', files: [{ filename: 'a.png', size: 5, digest: DIGEST, owners: 2 }] })
  t.strictSame(await c.ask('list', { prefix: 'b' }), { type: 'TrackerToNode', mode: 'list', files: [] })

  t.strictSame(await b.ask('exit', { filename: 'a.png' }), { ...OK, mode: 'exit' })
  t.match(await c.ask('need', { filename: 'a.png' }), { owners: { length: 1, 0: { name: 'NodeA' } } })
  t.strictSame(await a.ask('exit'), { ...OK, mode: 'exit' })
  const { error, ...rest } = await c.ask('need', { filename: 'a.png' }) as { error: { code: string, message: string } }
  t.strictSame(rest, { type: 'TrackerToNode', mode: 'need' }, 'an error comes with no result')
  t.strictSame(Object.keys(error).sort(), ['code', 'message'])
  t.equal(error.code, 'E_NO_OWNER')
  t.match(error.message, /"a\.png"/)
})

await t.test('replies come in the order of pipelined requests', async (t) => {
  const { node } = await running(t)
  const { peer } = await node('')
  const modes = ['alive', 'need', 'list', 'have', 'need', 'exit', 'need', 'alive']
  peer.send(modes.map((mode) => `${JSON.stringify({
    type: 'NodeToTracker', mode, name: 'NodeA', filename: 'a', ...(mode === 'have' && { size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 1, outputPort: 2 }),
  })}\n`).join(''))
  for (const mode of modes) t.match(await peer.message(), { mode })
})

await t.test('what a node has is announced many at a time: a registry may be far away', async (t) => {
  let [underWay, most] = [0, 0]
  class FarRegistry extends MemoryRegistry {
    override async have (...args: Parameters<MemoryRegistry['have']>): Promise<void> {
      most = Math.max(most, ++underWay)
      await eventLoopTurn()
      underWay--
      await super.have(...args)
    }
  }
  const { tracker, node } = await running(t, { registry: new FarRegistry() })
  const { peer } = await node('NodeA')
  const haves = Array.from({ length: 640 }, (_, i) => `${JSON.stringify({ type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: `file ${i}`, size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 1, outputPort: 2 })}\n`)
  peer.send(haves.join(''))
  for (let i = 0; i < haves.length; i++) t.match(await peer.message(), { mode: 'have', ok: true })
  t.equal(most, 64)
  t.equal(tracker.registry.sharesOf('NodeA'), haves.length)
})

await t.test('the asker is never among the owners', async (t) => {
  const { node } = await running(t)
  const a = await node('NodeA')
  await a.have('a')
  t.match(await a.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } })
})

await t.test('several contents under one name', async (t) => {
  const { node } = await running(t)
  const [a, b, c] = [await node('NodeA'), await node('NodeB'), await node('NodeC')]
  await a.have('a')
  await b.have('a', { digest: OTHER_DIGEST, size: 6 })
  const conflict = await c.ask('need', { filename: 'a' })
  t.match(conflict, { type: 'TrackerToNode', mode: 'need', error: { code: 'E_CONFLICT', message: /"a"/ } })
  t.strictSame(Object.keys(conflict).sort(), ['error', 'mode', 'type', 'versions'])
  t.strictSame(conflict.versions, [{ digest: DIGEST, size: 5, owners: 1 }, { digest: OTHER_DIGEST, size: 6, owners: 1 }])
  t.match(await c.ask('need', { filename: 'a', digest: OTHER_DIGEST }), { size: 6, owners: [{ name: 'NodeB' }] })
  t.match(await c.ask('need', { filename: 'a', digest: DIGEST.slice('blake3:'.length, 'blake3:'.length + 16) }), { size: 5, owners: [{ name: 'NodeA' }] })
  t.match(await c.ask('need', { filename: 'a', digest: '01234567' }), { error: { code: 'E_CONFLICT' } }, 'a beginning that both have')
  t.match(await c.ask('need', { filename: 'a', digest: 'ffffffff' }), { error: { code: 'E_NO_OWNER' } })
})

await t.test('the first message binds the connection to its name', async (t) => {
  const { node } = await running(t)
  const [a, b] = [await node('NodeA'), await node('NodeB')]
  await a.have('a')
  await b.have('b')
  // In another node's name, a message has no effect.
  for (const mode of ['exit', 'alive', 'need', 'list']) {
    t.match(await b.ask(mode, { name: 'NodeA', filename: 'a' }), { mode, error: { code: 'E_NAME', message: /"NodeB".*"NodeA"/ } }, mode)
  }
  t.match(await b.have('b', { name: 'NodeA' }), { mode: 'have', error: { code: 'E_NAME' } })
  t.match(await b.ask('need', { filename: 'a' }), { owners: [{ name: 'NodeA' }] }, 'the owner stays, and so does the connection')
  t.match(await a.ask('need', { filename: 'b' }), { owners: { length: 1, 0: { name: 'NodeB' } } })
})

await t.test('a name that a live connection has is taken', async (t) => {
  const { tracker, node } = await running(t)
  const [a, other] = [await node('NodeA'), await node('NodeA')]
  await a.have('a')
  t.match(await other.ask('alive'), { mode: 'alive', error: { code: 'E_NAME_TAKEN', message: /"NodeA"/ } })
  t.match(await other.have('b'), { error: { code: 'E_NAME_TAKEN' } })
  t.match(await other.ask('exit'), { error: { code: 'E_NAME_TAKEN' } })
  const c = await node('NodeC')
  t.match(await c.ask('need', { filename: 'a' }), { owners: [{ name: 'NodeA' }] }, 'the first serves on')

  const left = leaving(tracker)
  a.peer.socket.destroy()
  t.equal(await left, 'NodeA')
  const heir = await node('NodeA')
  t.match(await heir.ask('alive'), { ok: true }, 'as soon as the old connection is dead')
  t.match(await c.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } }, 'what it had announced went with it')
})

await t.test('presence ends with the connection', async (t) => {
  const { tracker, node } = await running(t)
  const b = await node('NodeB')
  for (const end of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const a = await node('NodeA')
    await a.have('a')
    t.match(await b.ask('need', { filename: 'a' }), { owners: [{ name: 'NodeA' }] })
    const left = leaving(tracker)
    a.peer.socket[end]()
    t.equal(await left, 'NodeA')
    t.match(await b.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } }, end)
  }
})

await t.test('exit frees the name while the connection still stands', async (t) => {
  const { node } = await running(t)
  const [a, other] = [await node('NodeA'), await node('NodeA')]
  await a.have('a')
  t.match(await a.ask('exit'), { ok: true })
  t.match(await other.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } })
  t.match(await other.have('b'), { ok: true })
  a.peer.socket.destroy()
  const c = await node('NodeC')
  t.match(await c.ask('need', { filename: 'b' }), { owners: [{ name: 'NodeA' }] }, 'the end of the old connection takes nothing from the new one')
})

await t.test('joining and leaving is told', async (t) => {
  const { tracker, node } = await running(t)
  const told: string[] = []
  tracker.on('joined', ({ name }) => told.push(`${name} joined`))
  tracker.on('left', ({ name }) => told.push(`${name} left`))
  const a = await node('NodeA')
  await a.ask('alive')
  await a.have('a')
  t.strictSame(told, ['NodeA joined'])
  await a.ask('exit')
  t.strictSame(told, ['NodeA joined', 'NodeA left'])
})

await t.test('an owner\'s address is that of its connection, never a field', async (t) => {
  // Listening on IPv6, the tracker sees an IPv4 peer as ::ffff:127.0.0.1.
  const { node } = await running(t, { host: '::ffff:127.0.0.1' })
  const a = await node('NodeA')
  await a.have('a', { host: '10.1.2.3', address: '10.1.2.3' })
  const b = await node('NodeB')
  t.match(await b.ask('need', { filename: 'a' }), { owners: [{ host: '127.0.0.1' }] })
})

await t.test('bad names leave the connection be', async (t) => {
  const { node } = await running(t)
  const a = await node('NodeA')
  for (const filename of ['', '.', '..', '../x', 'a/b', '/etc/passwd', 'a\u0000b', 'x'.repeat(256), '.piecemeal']) {
    t.match(await a.have(filename), { mode: 'have', error: { code: 'E_NAME' } }, JSON.stringify(filename))
    t.match(await a.ask('need', { filename }), { mode: 'need', error: { code: 'E_NAME' } }, JSON.stringify(filename))
  }
  for (const filename of ['__proto__', 'constructor']) {
    t.match(await a.have(filename), { ok: true })
    const b = await node(`Asks.${filename.slice(2, 5)}`)
    t.match(await b.ask('need', { filename }), { filename, owners: [{ name: 'NodeA' }] })
  }
})

await t.test('what is no message: one error reply, then closed, and the node is gone', async (t) => {
  const alive = JSON.stringify({ type: 'NodeToTracker', mode: 'alive', name: 'NodeA' })
  const have = (fields: string): string => `{"type":"NodeToTracker","mode":"have","name":"NodeA","filename":"b","digest":"${DIGEST}","pieceLength":1048576,"inputPort":1,"outputPort":2,${fields}}`
  const table: Array<[what: string, line: string | Buffer, code: string]> = [
    ['no JSON', 'hello', 'E_PROTOCOL'],
    ['null', 'null', 'E_PROTOCOL'],
    ['an array', '[]', 'E_PROTOCOL'],
    ['no fields', '{}', 'E_PROTOCOL'],
    ['another type', '{"type":"SizeInformation","mode":"alive","name":"NodeA"}', 'E_PROTOCOL'],
    ['no mode', '{"type":"NodeToTracker","name":"NodeA"}', 'E_PROTOCOL'],
    ['an unknown mode', '{"type":"NodeToTracker","mode":"steal","name":"NodeA"}', 'E_PROTOCOL'],
    ['a mode of JavaScript\'s', '{"type":"NodeToTracker","mode":"constructor","name":"NodeA"}', 'E_PROTOCOL'],
    ['a mode that is none', '{"type":"NodeToTracker","mode":{"toString":1},"name":"NodeA"}', 'E_PROTOCOL'],
    ['fields under __proto__', `{"__proto__":${alive}}`, 'E_PROTOCOL'],
    ['no name', '{"type":"NodeToTracker","mode":"alive"}', 'E_PROTOCOL'],
    ['a name that is no text', '{"type":"NodeToTracker","mode":"alive","name":5}', 'E_PROTOCOL'],
    ['a size of -1', have('"size":-1'), 'E_PROTOCOL'],
    ['a size of 1.5', have('"size":1.5'), 'E_PROTOCOL'],
    ['a size of "5"', have('"size":"5"'), 'E_PROTOCOL'],
    ['a size of null', have('"size":null'), 'E_PROTOCOL'],
    ['a size of 2^53', have('"size":9007199254740992'), 'E_PROTOCOL'],
    ['a size of 1e400', have('"size":1e400'), 'E_PROTOCOL'],
    ['a size of NaN', have('"size":NaN'), 'E_PROTOCOL'],
    ['a size, and another', have('"size":5,"size":-1'), 'E_PROTOCOL'],
    ['half a surrogate', '{"type":"NodeToTracker","mode":"need","name":"NodeA","filename":"\\ud800"}', 'E_NAME'],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'E_PROTOCOL'],
    ['200,000 brackets', '['.repeat(200_000), 'E_LIMIT'],
    ['a deep message', `{"type":"NodeToTracker","mode":"alive","name":"NodeA","x":${'['.repeat(8)}${']'.repeat(8)}}`, 'E_LIMIT'],
    ['a line that is too long', `{"x":"${'x'.repeat(65_536)}"}`, 'E_LIMIT'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: tracker\r\n\r', 'E_PROTOCOL'],
  ]
  const { tracker, node } = await running(t)
  const b = await node('NodeB')
  for (const [what, line, code] of table) {
    const a = await node('NodeA')
    await a.have('a')
    const left = leaving(tracker)
    a.peer.send(line, '\n', `${alive}\n`)
    const [reply, ...others] = await a.peer.messages()
    t.match(reply, { type: 'TrackerToNode', error: { code, message: String } }, what)
    t.strictSame(others, [], `${what}: nothing after it`)
    a.peer.socket.end()
    t.equal(await left, 'NodeA')
    t.match(await b.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } })
  }
})

for (const slowCall of ['join', 'have'] as const) {
  await t.test(`a node whose connection ends while the registry is slow to ${slowCall} owns nothing`, async (t) => {
    let go: () => void = () => {}
    let tellAsked: () => void = () => {}
    let isSlow = true
    const asked = new Promise<void>((resolve) => { tellAsked = resolve })
    const turn = async (call: string): Promise<void> => {
      if (!isSlow || call !== slowCall) return
      await new Promise<void>((resolve) => {
        go = resolve
        tellAsked()
      })
    }
    class SlowRegistry extends MemoryRegistry {
      override async join (...args: Parameters<MemoryRegistry['join']>): Promise<void> {
        await turn('join')
        await super.join(...args)
      }

      override async have (...args: Parameters<MemoryRegistry['have']>): Promise<void> {
        await turn('have')
        await super.have(...args)
      }
    }
    const { tracker, node } = await running(t, { registry: new SlowRegistry() })
    const errors: Error[] = []
    tracker.on('error', (error) => errors.push(error))

    const a = await node('NodeA')
    a.peer.send({ type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: 'a', size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 1, outputPort: 2 })
    await asked
    isSlow = false
    a.peer.socket.resetAndDestroy()
    // One that came and went after it shows that its end has been seen.
    const witness = await node('Witness')
    await witness.ask('alive')
    const left = new Promise<void>((resolve) => { tracker.on('left', ({ name }) => { if (name === 'Witness') resolve() }) })
    witness.peer.socket.resetAndDestroy()
    await left
    go()

    const b = await node('NodeB')
    t.match(await b.ask('need', { filename: 'a' }), { error: { code: 'E_NO_OWNER' } })
    const again = await node('NodeA')
    t.match(await again.ask('alive'), { ok: true }, 'its name is free')
    t.strictSame(errors, [], 'a peer that goes away is no trouble of the tracker\'s')
  })
}

await t.test('trouble of the registry\'s is told to us, not to a peer', async (t) => {
  const registry = new MemoryRegistry()
  registry.list = async () => await Promise.reject(new Error('redis://user:password@host is away'))
  const { tracker, node } = await running(t, { registry })
  const told = new Promise<Error>((resolve) => { tracker.once('error', resolve) })
  const a = await node('NodeA')
  const reply = await a.ask('list')
  t.match(reply, { mode: 'list', error: { code: 'E_INTERNAL' } })
  t.notMatch(JSON.stringify(reply), /password/)
  t.match(await told, { message: /password/ })
  t.match(await a.ask('alive'), { ok: true }, 'and the connection lives')
})

await t.test('a port that is in use', async (t) => {
  const { port } = await running(t)
  await t.rejects(new Tracker({ port }).start(), { code: 'E_PORT', message: new RegExp(`127\\.0\\.0\\.1:${port}`) })
})

await t.test('close ends every connection, and may be called twice', async (t) => {
  const { tracker, node, port } = await running(t)
  const a = await node('NodeA')
  await a.have('a')
  await tracker.close()
  await a.peer.rest()
  await t.resolves(tracker.close())
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
})

await t.test('at most 1,000 files in a list', async (t) => {
  const { node } = await running(t)
  const { peer } = await node('NodeA')
  const have = (i: number): string => `${JSON.stringify({ type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: `${i} ${'"'.repeat(200)}`, size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 1, outputPort: 2 })}\n`
  for (let i = 0; i < 1_001; i++) peer.send(have(i))
  for (let i = 0; i < 1_001; i++) await peer.line()
  const line = JSON.stringify({ type: 'NodeToTracker', mode: 'list', name: 'NodeA' })
  peer.send(`${line}\n`)
  const reply = await peer.line()
  t.ok(Buffer.byteLength(reply) <= MiB, 'no longer than a reply may be')
  const { files, truncated } = JSON.parse(reply) as { files: unknown[], truncated: unknown }
  t.equal(files.length, 1_000)
  t.equal(truncated, true)
})

await t.test('a file that is shared again is one, and what it was before can be had by its digest', async (t) => {
  const { node } = await running(t)
  const [a, b, c] = [await node('NodeA'), await node('NodeB'), await node('NodeC')]
  const [before, now] = [`blake3:${'1'.repeat(64)}`, `blake3:${'2'.repeat(64)}`]
  await a.have('a', { digest: before, origin: true })
  await b.have('a', { digest: before })
  t.match(await a.have('a', { digest: now, size: 6, origin: true, replaces: [before] }), OK)
  t.match(await c.ask('need', { filename: 'a' }), { digest: now, size: 6, replaces: [before], owners: [{ name: 'NodeA' }] })
  t.match(await c.ask('need', { filename: 'a', digest: before.slice(7, 20) }), { digest: before, size: 5, owners: [{ name: 'NodeB' }] })
  t.match(await c.ask('list'), { files: [{ digest: before, older: true }, { digest: now, replaces: [before], older: undefined }] })
})

await t.test('a list of much that is replaced is cut to a line that may be sent', async (t) => {
  const { node } = await running(t)
  const { peer } = await node('NodeA')
  const replaces = Array.from({ length: 16 }, (_, i) => `blake3:${i.toString(16).padStart(64, '0')}`)
  const have = (i: number): string => `${JSON.stringify({ type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: `${i}`, size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 1, outputPort: 2, replaces })}\n`
  for (let i = 0; i < 1_000; i++) peer.send(have(i))
  for (let i = 0; i < 1_000; i++) await peer.line()
  peer.send({ type: 'NodeToTracker', mode: 'list', name: 'NodeA' })
  const reply = await peer.line()
  t.ok(Buffer.byteLength(reply) <= MiB)
  const { files, truncated } = JSON.parse(reply) as { files: unknown[], truncated: unknown }
  t.ok(files.length > 500)
  t.equal(truncated, true)
})

await t.test('a node that comes back takes its older connection\'s place at once', async (t) => {
  const { tracker, node } = await running(t)
  const told: string[] = []
  tracker.on('joined', ({ name }) => told.push(`${name} joined`))
  tracker.on('left', ({ name }) => told.push(`${name} left`))
  const session = '0123456789abcdef'.repeat(2)
  const [first, stranger, second] = [await node('NodeA'), await node('NodeA'), await node('NodeA')]
  await first.ask('alive', { session })
  await first.have('a')
  for (const fields of [{}, { session: 'f'.repeat(32) }]) t.match(await stranger.ask('alive', fields), { error: { code: 'E_NAME_TAKEN' } })
  t.match(await second.ask('alive', { session }), OK)
  await first.peer.rest()
  t.match(await second.have('b'), OK)
  const b = await node('NodeB')
  t.match(await b.ask('list'), { files: [{ filename: 'b', owners: 1 }] })
  t.strictSame(told, ['NodeA joined', 'NodeA left', 'NodeA joined', 'NodeB joined'], 'and the end of the older one is nobody\'s')
  t.match(await b.ask('alive', { session: '5' }), { error: { code: 'E_PROTOCOL' } })
})

await t.test('with a secret the name is the one of the handshake, whatever a message says', async (t) => {
  const secret = { current: deriveKeys(Buffer.from('the secret of this network')) }
  const { port } = await running(t, { secret })
  const client = await LineClient.connect({ host: '127.0.0.1', port, credentials: { ...credentialsFor('control', secret), name: 'NodeA' } })
  t.teardown(() => client.close())
  const ask = async (name: string): Promise<unknown> => await client.request({ type: 'NodeToTracker', mode: 'alive', name })
  t.match(await ask('NodeB'), { mode: 'alive', error: { code: 'E_NAME', message: /"NodeA".*"NodeB"/ } })
  t.match(await ask('NodeA'), { ...OK, mode: 'alive' })
  t.match(await ask('NodeB'), { error: { code: 'E_NAME' } })
})

await t.test('without one, TLS is refused, and the tracker tells who tried', async (t) => {
  const { tracker, port } = await running(t)
  const told = once(tracker, 'error', { signal: AbortSignal.timeout(WAIT_MS) }).catch((error: unknown) => [error])
  const credentials = { ...credentialsFor('control', { current: deriveKeys(Buffer.from('the secret of this network')) }), name: 'NodeA' }
  await t.rejects(LineClient.connect({ host: '127.0.0.1', port, credentials }), { code: 'E_AUTH', message: new RegExp(`127\\.0\\.0\\.1:${port} speaks no TLS`) })
  t.match(await told, [{ code: 'E_AUTH', message: `127.0.0.1 is refused at port ${port}: it speaks TLS, and there is no secret here` }])
})
