/** Nodes and a tracker as a library; the threads take a while to start, so one story tells it all. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { Node, Tracker, type NodeEvents } from '../../lib/index.js'
import { Peer } from '../net/peer.js'
import { testDir } from '../helpers/files.js'

await t.test('a file goes from one node to another', { timeout: 90_000 }, async (t) => {
  const data = Buffer.alloc(3 * 1_048_576 + 5, 'piecemeal. ')
  const { digest } = contentOf(data)
  const dir = testDir(t, { NodeA: { 'my file.bin': data, secret: 'never shared' } })
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const [a, b] = ['NodeA', 'NodeB'].map((name) => new Node({ name, dir, tracker: address })) as [Node, Node]
  t.teardown(async () => await Promise.all([a.close(), b.close()]))
  const told: string[] = []
  for (const name of ['listening', 'connected', 'sharing', 'saved', 'withdrawn', 'left', 'lost'] satisfies Array<keyof NodeEvents>) {
    b.on(name, () => told.push(name))
  }
  for (const node of [a, b]) node.on('error', (error) => t.fail(error.message))

  const [{ output }] = await Promise.all([a.start(), b.start()])
  t.match(await a.upload('my file.bin'), { file: 'my file.bin', bytes: data.length, digest, announced: true })
  await t.rejects(a.upload('nowhere'), { code: 'E_IO' })
  await t.rejects(a.upload('../NodeB'), { code: 'E_IO' })

  const [saved, again] = [b.download('my file.bin'), b.download('my file.bin')]
  await t.rejects(again, { code: 'E_IN_PROGRESS' })
  t.match(await saved, { file: 'my file.bin', bytes: data.length, digest, owners: [{ name: 'NodeA', bytes: data.length }], resumed: 0 })
  t.ok(readFileSync(join(dir, 'NodeB', 'my file.bin')).equals(data))
  t.strictSame(readdirSync(join(dir, 'NodeB')).sort(), ['.piecemeal', 'my file.bin'])
  t.notOk(readdirSync(join(dir, 'NodeB', '.piecemeal')).includes(digest.slice('blake3:'.length)), 'nothing of the download is left')

  await t.rejects(b.download('my file.bin'), { code: 'E_EXISTS' })
  await t.rejects(b.download('secret'), { code: 'E_NO_OWNER' })
  await t.rejects(b.download('../secret'), { code: 'E_NAME' })
  t.match(await a.list(), { files: [{ filename: 'my file.bin', size: data.length, digest, owners: 2 }] }, 'who has it is an owner')
  t.match(await b.status(), { sharing: [{ file: 'my file.bin', bytes: data.length }], fetching: [], serving: [], tracker: { connected: true } })

  const left = once(a, 'left', { signal: AbortSignal.timeout(10_000) })
  await a.leave()
  t.strictSame(await left, [{ name: 'NodeA' }])
  await t.rejects(Peer.connect(t, output), { code: 'ECONNREFUSED' })
  t.match(await b.list(), { files: [{ filename: 'my file.bin', owners: 1 }] })
  await b.close()
  await t.resolves(b.close(), 'twice')
  await t.rejects(b.download('x'), { code: 'E_INTERRUPTED' })
  t.strictSame(told, ['listening', 'connected', 'saved', 'left'])
})

await t.test('what keeps a node from starting', async (t) => {
  const dir = testDir(t, { file: '', NodeB: {} })
  t.throws(() => new Node({ name: '../x' }), { code: 'E_NAME' })
  t.throws(() => new Node({ name: 'NodeA', up: 1_023 }), { code: 'E_USAGE' })
  await t.rejects(new Node({ name: 'NodeA', dir: join(dir, 'file') }).start(), { code: 'E_IO' })
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const node = new Node({ name: 'NodeB', dir, tracker: address, outputPort: address.port })
  await t.rejects(node.start(), { code: 'E_PORT', message: new RegExp(`:${address.port}`) })
})

await t.test('a node that is closed while it starts does not start, and leaves nothing', async (t) => {
  const dir = testDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  for (const when of ['at once', 'when it has joined']) {
    const node = new Node({ name: 'NodeA', dir, tracker: address })
    const joined = once(tracker, 'joined', { signal: AbortSignal.timeout(10_000) })
    // Awaited below; where it is closed at once nobody joins.
    joined.catch(() => {})
    const started = t.rejects(node.start(), { code: 'E_INTERRUPTED' }, when)
    if (when !== 'at once') await joined
    await node.close()
    await started
  }
  const next = new Node({ name: 'NodeA', dir, tracker: address })
  await t.resolves(next.start(), 'folder and name are free')
  await next.close()
})
