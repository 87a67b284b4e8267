import { once } from 'node:events'
import t from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { TrackerClient, type Question, type TrackerClientOptions } from '../../lib/node/tracker-client.js'
import type { PiecemealError } from '../../lib/protocol/errors.js'
import { credentialsFor, deriveKeys, type Secret } from '../../lib/secret/keys.js'
import { Tracker, type TrackerOptions } from '../../lib/tracker/tracker.js'
import { deadPort, HOST, listenForPeers, silentPort, WAIT_MS, type Scope } from '../net/peer.js'

const DIGEST = `blake3:${'0'.repeat(64)}`
const OK = { type: 'TrackerToNode', ok: true }

function share (filename: string): Question<'have'> {
  return { filename, size: 5, digest: DIGEST, pieceLength: 1_048_576, inputPort: 1, outputPort: 2 }
}

async function tracking (t: Scope, port = 0, options: TrackerOptions = {}): Promise<{ tracker: Tracker, address: { host: string, port: number } }> {
  const tracker = new Tracker({ port, ...options })
  t.teardown(async () => await tracker.close())
  return { tracker, address: await tracker.start() }
}

function client (t: Scope, tracker: { host: string, port: number }, options: Partial<TrackerClientOptions> = {}): TrackerClient {
  const client = new TrackerClient({ tracker, name: 'NodeA', hosts: () => [HOST], deadlines: DEADLINES, announcements: () => [], ...options })
  t.teardown(async () => await client.close())
  return client
}

async function files (client: TrackerClient): Promise<string[]> {
  return (await client.ask('list', {})).files.map(({ filename }) => filename).sort()
}

async function lost (client: TrackerClient): Promise<PiecemealError> {
  const [reason] = await once(client, 'lost', { signal: AbortSignal.timeout(WAIT_MS) }) as [PiecemealError]
  return reason
}

// They wait far more than they work.
await t.test('a node at its tracker', { jobs: 6 }, async (t) => {
  void t.test('asks and is answered, in its own name', async (t) => {
    const { tracker, address } = await tracking(t)
    const joined = once(tracker, 'joined', { signal: AbortSignal.timeout(WAIT_MS) })
    const [a, b] = [client(t, address), client(t, address, { name: 'NodeB' })]
    await a.start()
    t.strictSame(await joined, [{ name: 'NodeA' }])
    t.ok(a.isConnected)
    await b.start()
    t.strictSame(await a.ask('have', share('a')), { ok: true, interval: 20 })
    t.match(await b.ask('need', { filename: 'a' }), { filename: 'a', owners: [{ name: 'NodeA', host: HOST }] })
    await t.rejects(a.ask('need', { filename: 'a' }), { code: 'E_NO_OWNER' }, 'what the tracker refuses with')
    await t.rejects(a.ask('need', { filename: '../a' }), { code: 'E_NAME' })
    t.strictSame(await a.ask('exit', { filename: 'a' }), { ok: true })
    t.strictSame(await files(b), [])
  })

  void t.test('after a lost connection it is back, and announces what there is by then', async (t) => {
    const { tracker, address } = await tracking(t)
    const shares = [share('a')]
    const a = client(t, address, { announcements: () => shares })
    await a.start()
    t.strictSame(await files(a), ['a'])
    const gone = lost(a)
    await tracker.close()
    t.match(await gone, { code: 'E_NETWORK' })
    t.notOk(a.isConnected)
    shares.push(share('b'))
    // Asked for while there is no tracker: it waits for one.
    const connected = once(a, 'connected', { signal: AbortSignal.timeout(WAIT_MS) })
    const asked = a.ask('list', { prefix: 'b' })
    await tracking(t, address.port)
    await connected
    t.match(await asked, { files: [{ filename: 'b' }] })
    t.strictSame(await files(a), ['a', 'b'])
  })

  void t.test('a question that was under way when the connection was lost is asked again', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const started = a.start()
    const first = await next()
    await first.line()
    first.send({ ...OK, mode: 'alive', interval: 20 })
    await started
    const asked = a.ask('list', {})
    t.match(await first.message(), { mode: 'list', name: 'NodeA' })
    first.socket.resetAndDestroy()
    const second = await next()
    t.match(await second.message(), { mode: 'alive' })
    second.send({ ...OK, mode: 'alive', interval: 20 })
    t.match(await second.message(), { mode: 'list' })
    second.send({ type: 'TrackerToNode', mode: 'list', files: [] })
    t.strictSame(await asked, { files: [] })
  })

  void t.test('no tracker: it lives, tells so, and a question fails when its time is up', async (t) => {
    const a = client(t, { host: HOST, port: await deadPort() })
    const gone = lost(a)
    await a.start()
    t.match(await gone, { code: 'E_NETWORK' })
    t.notOk(a.isConnected)
    await t.rejects(a.ask('list', {}, 50), { code: 'E_TRACKER', message: /127\.0\.0\.1:/ })
  })

  void t.test('a tracker that does not answer', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const started = a.start()
    const peer = await next()
    await peer.line()
    peer.send({ ...OK, mode: 'alive', interval: 20 })
    await started
    await t.rejects(a.ask('list', {}, 50), { code: 'E_TRACKER' })
  })

  void t.test('close does not wait for a tracker behind a cut cable', async (t) => {
    const a = client(t, { host: HOST, port: await silentPort(t) })
    const started = a.start()
    await a.close()
    await started
    t.notOk(a.isConnected)
  })

  void t.test('a name that a live node has', async (t) => {
    const { address } = await tracking(t)
    await client(t, address).start()
    const other = client(t, address)
    await t.rejects(other.start(), { code: 'E_NAME_TAKEN' })
    t.notOk(other.isConnected)
  })

  void t.test('a name that is free again after a moment', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const started = a.start()
    const first = await next()
    await first.line()
    first.send({ type: 'TrackerToNode', mode: 'alive', error: { code: 'E_NAME_TAKEN', message: 'taken' } })
    const second = await next()
    t.match(await second.message(), { mode: 'alive', name: 'NodeA' })
    second.send({ ...OK, mode: 'alive', interval: 20 })
    await started
    t.ok(a.isConnected)
  })

  void t.test('close leaves the tracker, and may be called twice', async (t) => {
    const { tracker, address } = await tracking(t)
    const a = client(t, address, { announcements: () => [share('a')] })
    await a.start()
    const left = once(tracker, 'left', { signal: AbortSignal.timeout(WAIT_MS) })
    await a.close()
    t.strictSame(await left, [{ name: 'NodeA' }])
    t.notOk(a.isConnected)
    await t.resolves(a.close())
    await t.rejects(a.ask('list', {}, 50), { code: 'E_TRACKER' })
    const b = client(t, address, { name: 'NodeB' })
    await b.start()
    t.strictSame(await files(b), [])
  })

  void t.test('a tracker that breaks the contract', async (t) => {
    const table: Array<[what: string, reply: string, code: string]> = [
      ['another mode', JSON.stringify({ type: 'TrackerToNode', mode: 'need', files: [] }), 'E_PROTOCOL'],
      ['another type', JSON.stringify({ type: 'NodeToTracker', mode: 'list', files: [] }), 'E_PROTOCOL'],
      ['a bad name', JSON.stringify({ type: 'TrackerToNode', mode: 'list', files: [{ filename: '../a', size: 5, digest: DIGEST, owners: 1 }] }), 'E_NAME'],
      ['a code that there is not', JSON.stringify({ type: 'TrackerToNode', mode: 'list', error: { code: 'E_MADE_UP', message: 'x' } }), 'E_PROTOCOL'],
      ['no message', 'hello', 'E_PROTOCOL'],
    ]
    for (const [what, reply, code] of table) {
      const { host, port, next } = await listenForPeers(t)
      const a = client(t, { host, port })
      const started = a.start()
      const peer = await next()
      await peer.line()
      peer.send({ ...OK, mode: 'alive', interval: 20 })
      await started
      const asked = a.ask('list', {})
      await peer.line()
      peer.send(`${reply}\n`)
      await t.rejects(asked, { code }, what)
      await a.close()
    }
  })

  void t.test('a tracker that answers and breaks the contract in one breath is not taken for a connected one', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const gone = lost(a)
    const started = a.start()
    const peer = await next()
    await peer.line()
    peer.send(`${JSON.stringify({ ...OK, mode: 'alive', interval: 20 })}\n{"a reply":"to nothing"}\n`)
    await started
    t.match(await gone, { code: 'E_PROTOCOL' })
    // The connection was closed before anybody could listen for it.
    t.notOk(a.isConnected)
  })

  void t.test('the next alive is sent when the tracker says it is due', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const started = a.start()
    const peer = await next()
    await peer.line()
    peer.send({ ...OK, mode: 'alive', interval: 1 })
    await started
    const beat = peer.message()
    beat.catch(() => {})
    const late = AbortSignal.timeout(3_000)
    const verdict = await Promise.race([beat, once(late, 'abort').then(() => 'nothing within 3 s of an interval of 1 s')])
    t.match(verdict, { type: 'NodeToTracker', mode: 'alive', name: 'NodeA' })
  })

  void t.test('an alive that stays unanswered: another connection takes the place of the first, and nothing is lost', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port }, { deadlines: { ...DEADLINES, heartbeatMs: 100, reconnectMs: 200 }, announcements: () => [share('a')] })
    const losses: string[] = []
    a.on('lost', ({ code }) => losses.push(code))
    const started = a.start()
    const first = await next()
    const { session } = await first.message()
    t.match(session, /^[0-9a-f]{32}$/)
    first.send({ ...OK, mode: 'alive' })
    await started
    t.match(await first.message(), { mode: 'have', filename: 'a', session: undefined })
    first.send({ ...OK, mode: 'have' })
    t.match(await first.message(), { mode: 'alive' }, 'and no answer')
    const asked = a.ask('list', {})
    const second = await next()
    t.strictSame(await second.message(), { type: 'NodeToTracker', mode: 'alive', name: 'NodeA', session, advertise: HOST })
    second.send({ ...OK, mode: 'alive', interval: 20 })
    t.match(await second.message(), { mode: 'have', filename: 'a' }, 'what is shared is announced anew')
    second.send({ ...OK, mode: 'have' })
    t.match(await second.message(), { mode: 'list' }, 'a question that was under way is asked again')
    second.send({ type: 'TrackerToNode', mode: 'list', files: [] })
    t.strictSame(await asked, { files: [] })
    await first.rest()
    t.ok(a.isConnected)
    t.strictSame(losses, [])
  })

  void t.test('an alive that is answered late: the first connection stays, where the tracker lets no second one in', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port }, { deadlines: { ...DEADLINES, heartbeatMs: 400, reconnectMs: 100, reconnectMinMs: 50 } })
    const losses: string[] = []
    a.on('lost', ({ code }) => losses.push(code))
    const started = a.start()
    const first = await next()
    await first.line()
    first.send({ ...OK, mode: 'alive' })
    await started
    await first.line()
    const second = await next()
    await second.line()
    second.send({ type: 'TrackerToNode', mode: 'alive', error: { code: 'E_NAME_TAKEN', message: 'taken' } })
    first.send({ ...OK, mode: 'alive' })
    const asked = a.ask('list', {})
    t.match(await first.message(), { mode: 'list' })
    first.send({ type: 'TrackerToNode', mode: 'list', files: [] })
    t.strictSame(await asked, { files: [] })
    t.strictSame(losses, [])
  })

  void t.test('a machine that wakes asks at once whether it is still connected', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    let naps = 1
    const a = client(t, { host, port }, { hasSlept: () => naps-- > 0 })
    const started = a.start()
    const peer = await next()
    await peer.line()
    peer.send({ ...OK, mode: 'alive', interval: 20 })
    await started
    t.match(await peer.message(), { mode: 'alive' }, 'long before the next one is due')
  })

  void t.test('close does not wait for a tracker that lets it in and says nothing', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port })
    const started = a.start()
    const peer = await next()
    await peer.line()
    await a.close()
    await peer.rest()
    await started
  })

  void t.test('a share that the tracker does not understand is not announced to it again, the others are', async (t) => {
    const { host, port, next } = await listenForPeers(t)
    const a = client(t, { host, port }, { announcements: () => [share('odd'), share('a')] })
    const started = a.start()
    const first = await next()
    await first.line()
    first.send({ ...OK, mode: 'alive', interval: 20 })
    await started
    t.match(await first.message(), { mode: 'have', filename: 'odd' })
    first.send({ type: 'TrackerToNode', mode: 'have', error: { code: 'E_PROTOCOL', message: 'what is that?' } })
    first.socket.end()
    const second = await next()
    await second.line()
    second.send({ ...OK, mode: 'alive', interval: 20 })
    t.match(await second.message(), { mode: 'have', filename: 'a' })
    second.send({ ...OK, mode: 'have' })
    await t.rejects(a.ask('have', share('odd')), { code: 'E_PROTOCOL', message: 'what is that?' })
  })

  void t.test('a tracker with another secret: a question fails at once, and the client goes on trying', async (t) => {
    const [ours, other] = ['the secret of this network', 'that of another network'].map((text) => ({ current: deriveKeys(Buffer.from(text)) })) as [Secret, Secret]
    const { tracker, address } = await tracking(t, 0, { secret: other })
    const a = client(t, address, { credentials: { ...credentialsFor('control', ours), name: 'NodeA' } })
    const gone = lost(a)
    const asked = a.ask('list', {})
    asked.catch(() => {})
    const begunMs = performance.now()
    await a.start()
    const where = `${address.host}:${address.port}`
    t.match(await gone, { code: 'E_AUTH', message: `${where} has another secret than we have` })
    await t.rejects(asked, { code: 'E_AUTH', message: `the tracker at ${where} has another secret than we have` }, 'one that waited')
    await t.rejects(a.ask('list', {}), { code: 'E_AUTH' }, 'and one that comes later')
    t.ok(performance.now() - begunMs < 2_000)

    await tracker.close()
    const connected = once(a, 'connected', { signal: AbortSignal.timeout(WAIT_MS) })
    await tracking(t, address.port, { secret: ours })
    await connected
    t.strictSame(await files(a), [])
  })

  void t.test('a tracker that comes back with a secret is news', async (t) => {
    const { tracker, address } = await tracking(t)
    const a = client(t, address)
    await a.start()
    const reasons: string[] = []
    a.on('lost', ({ code }) => reasons.push(code))
    const gone = lost(a)
    await tracker.close()
    await gone
    const refused = lost(a)
    await tracking(t, address.port, { secret: { current: deriveKeys(Buffer.from('the secret of this network')) } })
    t.match(await refused, { code: 'E_AUTH', message: /wants a secret/ })
    t.strictSame(reasons, ['E_NETWORK', 'E_AUTH'])
    await t.rejects(a.ask('list', {}), { code: 'E_AUTH' })
  })
})
