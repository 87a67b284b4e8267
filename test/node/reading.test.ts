/** Files of the network as they are read at a node: shared there, fetched while they are read, and kept in its cache. */
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker, type NodeOptions } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import type { Readable } from '../../lib/reading/readable.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'

const LARGE = pseudoRandomBytes(40 * MiB + 5, 'reading')
const SMALL = Buffer.from('the bytes of small')

async function swarm (t: Pick<Test, 'testdir' | 'teardown'>, options: Partial<NodeOptions> = {}): Promise<{ owner: Node, reader: Node, start: (name: string) => Promise<Node> }> {
  const dir = testDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const start = async (name: string): Promise<Node> => {
    const node = new Node({ name, dir, tracker: address, ...options })
    t.teardown(async () => await node.close())
    await node.start()
    return node
  }
  const owner = await start('Owner')
  for (const [name, bytes] of [['small', SMALL], ['large', LARGE]] as const) {
    writeFileSync(join(owner.folder, name), bytes)
    await owner.upload(name)
  }
  return { owner, reader: await start('Reader'), start }
}

async function open (node: Node, name: string): Promise<Readable> {
  return await node.library.open(await node.library.find(name))
}

async function bytesOf (file: Readable, start: number, end: number): Promise<Buffer> {
  const into = Buffer.alloc(end - start)
  file.aim({ start, end })
  for (let at = 0; at < into.length;) at += await file.read(into.subarray(at), into.length - at, start + at)
  return into
}

function cached (node: Node): string[] {
  return readdirSync(join(node.folder, '.piecemeal', 'cache')).filter((name) => name.endsWith('.file'))
}

await t.test('a file that is elsewhere: from far inside, by two readers of one download, and from the cache when nobody else has it', { timeout: 60_000 }, async (t) => {
  const { owner, reader } = await swarm(t)
  const [one, other] = await Promise.all([open(reader, 'large'), open(reader, 'large')])
  t.same(await bytesOf(one, 30 * MiB + 7, 30 * MiB + 1_007), LARGE.subarray(30 * MiB + 7, 30 * MiB + 1_007))
  t.same(await bytesOf(other, 0, 1_000), LARGE.subarray(0, 1_000))
  const title = one.title
  t.ok((await bytesOf(one, 0, LARGE.length)).equals(LARGE))
  t.ok((await bytesOf(other, 0, LARGE.length)).equals(LARGE))
  await Promise.all([one.close(), other.close()])
  t.equal(cached(reader).length, 1)
  t.notOk(existsSync(join(reader.folder, 'large')), 'it is not among the files of its user')
  t.match((await reader.status()).sharing, [])
  // Closed without a word it would be listed for another moment.
  await owner.leave()
  const again = await reader.library.open(title)
  t.ok((await bytesOf(again, 5, LARGE.length)).equals(LARGE.subarray(5)))
  await again.close()
  t.equal(await reader.hasName('large'), false, 'under its name nobody has it any more')
})

await t.test('a file of one piece, one of no byte, and one that is shared here', { timeout: 60_000 }, async (t) => {
  const { owner, reader } = await swarm(t)
  const small = await open(reader, 'small')
  t.same(await bytesOf(small, 4, SMALL.length), SMALL.subarray(4))
  await small.close()
  const own = await open(owner, 'large')
  t.same(await bytesOf(own, 9 * MiB, 9 * MiB + 100), LARGE.subarray(9 * MiB, 9 * MiB + 100))
  await own.close()
  const changing = await open(owner, 'small')
  writeFileSync(join(owner.folder, 'small'), 'other bytes than')
  await t.rejects(changing.read(Buffer.alloc(10), 10, 0), { code: 'E_BUSY' }, 'what was written since is not sent')
  await changing.close()
})

await t.test('a file that is larger than the cache; what was used longest ago goes first; what is wrong in it is not sent', { timeout: 60_000 }, async (t) => {
  const { owner, reader } = await swarm(t, { cacheBytes: 2 * MiB })
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(owner.folder, name), pseudoRandomBytes(MiB, name))
    await owner.upload(name)
    const file = await open(reader, name)
    t.ok((await bytesOf(file, 0, MiB)).equals(pseudoRandomBytes(MiB, name)))
    await file.close()
  }
  t.equal(cached(reader).length, 2)
  const large = await open(reader, 'large')
  await t.rejects(large.read(Buffer.alloc(10), 10, 0), { code: 'E_DISK_FULL' })
  await large.close()
  for (const name of cached(reader)) truncateSync(join(reader.folder, '.piecemeal', 'cache', name), 7)
  const file = await open(reader, 'c')
  t.ok((await bytesOf(file, 0, MiB)).equals(pseudoRandomBytes(MiB, 'c')), 'it is fetched anew')
  await file.close()
})

await t.test('what is kept becomes a share, and a download of the user is read as well', { timeout: 60_000 }, async (t) => {
  const { reader, start } = await swarm(t, { keepsRead: true })
  const saved = new Promise((resolve) => reader.once('saved', resolve))
  const file = await open(reader, 'large')
  t.same(await bytesOf(file, 20 * MiB, 20 * MiB + 10), LARGE.subarray(20 * MiB, 20 * MiB + 10))
  t.match(await saved, { file: 'large', path: join(reader.folder, 'large') })
  await file.close()
  t.match((await reader.status()).sharing, [{ file: 'large' }])
  const third = await start('Third')
  const download = third.download('large')
  const meanwhile = await open(third, 'large')
  t.ok((await bytesOf(meanwhile, 0, LARGE.length)).equals(LARGE))
  await meanwhile.close()
  await download
})

await t.test('owners that go, or that lie: how a reader learns of it', { timeout: 60_000 }, async (t) => {
  const dir = testDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const reader = new Node({ name: 'Reader', dir, tracker: address, deadlines: { ownerWaitMs: 200 } })
  t.teardown(async () => await reader.close())
  await reader.start()
  const fake = await FakeOwner.start(t, { name: 'Fake', tracker: address })
  await fake.share('large', LARGE)
  await t.rejects(reader.library.find('nobody has it'), { code: 'E_NO_OWNER' })
  await t.rejects(reader.library.find('../large'), { code: 'E_NAME' })
  const file = await open(reader, 'large')
  t.same(await bytesOf(file, 0, 10), LARGE.subarray(0, 10))
  await file.close()
})
