/** What a user may change of what a node has under way and offers: cancel, unshare, verify. */
import { once } from 'node:events'
import { readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker, type Address } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir } from '../helpers/files.js'

const signal = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) })

async function startTracker (t: Test): Promise<Address> {
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  return await tracker.start()
}

async function startNode (t: Test, name: string, tracker: Address, dir?: string): Promise<Node> {
  const node = new Node({ name, dir: dir ?? await tempDir(t), tracker })
  t.teardown(async () => await node.close())
  await node.start()
  return node
}

await t.test('a cancelled download keeps nothing, and disturbs none that shares its thread', async (t) => {
  const tracker = await startTracker(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour: { stopAfter: { bytes: 1_000, how: 'stall' } } })
  const names = Array.from({ length: 8 }, (_, i) => `file-${i}`)
  for (const name of names) await owner.share(name, pseudoRandomBytes(100_000, name))
  const node = await startNode(t, 'NodeA', tracker)
  // As many as run at once: more than there are threads.
  let stalled = 0
  const allStalled = new Promise<void>((resolve) => owner.on('stopped', () => { if (++stalled === names.length) resolve() }))
  const [first, ...others] = names.map(async (name) => await node.download(name))
  const cancelled = t.rejects(first as Promise<unknown>, { code: 'E_INTERRUPTED', message: /"file-0" was cancelled/ })
  await allStalled
  await node.cancel('file-0')
  await cancelled
  owner.resume()
  for (const [i, saved] of others.entries()) t.match(await saved, { file: `file-${i + 1}`, bytes: 100_000 })
  t.equal(owner.requests.length, names.length, 'none had to be asked for again')
  t.strictSame(await hiddenLeftovers(node.folder), [])
  t.match(await node.download('file-0'), { file: 'file-0', resumed: 0 }, 'it can be begun anew')
})

await t.test('what is kept of a download is removed, whether it runs or not', async (t) => {
  const tracker = await startTracker(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour: { stopAfter: { bytes: 2.5 * MiB, how: 'stall' } } })
  await owner.share('big', pseudoRandomBytes(4 * MiB, 'big'))
  const dir = await tempDir(t)
  const node = await startNode(t, 'NodeA', tracker, dir)
  const running = node.download('big').catch(({ code }: { code: string }) => code)
  await once(owner, 'stopped', signal())
  await node.cancel('big')
  t.equal(await running, 'E_INTERRUPTED')
  t.strictSame(await hiddenLeftovers(node.folder), [])

  const cut = node.download('big').catch(({ code }: { code: string }) => code)
  await once(owner, 'stopped', signal())
  await node.close()
  t.equal(await cut, 'E_INTERRUPTED')
  t.ok((await hiddenLeftovers(node.folder)).length > 0, 'a node that is closed keeps it')
  const again = await startNode(t, 'NodeA', tracker, dir)
  await again.cancel('big')
  t.strictSame(await hiddenLeftovers(node.folder), [])
  await t.rejects(again.cancel('big'), { code: 'E_USAGE', message: /"big" is not being downloaded/ })
  await t.rejects(again.cancel('../big'), { code: 'E_NAME' })
})

await t.test('a file that is unshared is on no list and is served no more', async (t) => {
  const tracker = await startTracker(t)
  const [owner, other] = [await startNode(t, 'NodeA', tracker), await startNode(t, 'NodeB', tracker)]
  for (const name of ['a', 'b']) {
    await writeFile(join(owner.folder, name), name)
    await owner.upload(name)
  }
  const told = once(owner, 'unshared', signal())
  owner.unshare('a')
  t.strictSame(await told, [{ file: 'a' }])
  t.throws(() => owner.unshare('a'), { code: 'E_NOT_SHARED' })
  t.throws(() => owner.unshare('nothing'), { code: 'E_NOT_SHARED' })
  t.match(await owner.list(), { files: [{ filename: 'b', owners: 1 }] })
  await t.rejects(other.download('a'), { code: 'E_NO_OWNER' })
  t.equal(await readFile(join(owner.folder, 'a'), 'utf8'), 'a', 'the file stays')
  await owner.upload('a')
  t.match(await other.download('a'), { file: 'a' }, 'and can be shared again')
})

await t.test('what is shared is digested again: the same goes on, what has changed is withdrawn', async (t) => {
  const tracker = await startTracker(t)
  const node = await startNode(t, 'NodeA', tracker)
  const path = (name: string): string => join(node.folder, name)
  const data = pseudoRandomBytes(2 * MiB + 5, 'verify')
  for (const name of ['same', 'touched', 'rotten', 'gone', 'link']) {
    await writeFile(path(name), data)
    await node.upload(name)
  }
  const told: Record<string, string> = {}
  node.on('verified', ({ file }) => { told[file] = 'verified' })
  node.on('withdrawn', ({ file }) => { told[file] = 'withdrawn' })

  await node.verify('same')
  t.strictSame(told, { same: 'verified' })
  await utimes(path('touched'), 1, 1)
  const rotten = Buffer.from(data)
  rotten[MiB] = (rotten[MiB] ?? 0) ^ 1
  await writeFile(path('rotten'), rotten)
  await rm(path('gone'))
  await rename(path('link'), path('elsewhere'))
  await symlink('elsewhere', path('link'))
  await t.rejects(node.verify('rotten'), { code: 'E_CHANGED', message: /"rotten" has changed/ })
  await t.rejects(node.verify('rotten'), { code: 'E_NOT_SHARED' })
  await t.rejects(node.verify(), { code: 'E_CHANGED' }, 'all others')
  t.strictSame(told, { same: 'verified', touched: 'verified', rotten: 'withdrawn', gone: 'withdrawn', link: 'withdrawn' })
  t.match((await node.list()).files.map(({ filename }) => filename).sort(), ['same', 'touched'])
  await t.resolves(node.verify(), 'what is left is as it was announced')

  const fetcher = await startNode(t, 'NodeB', tracker)
  t.match(await fetcher.download('touched'), { file: 'touched', bytes: data.length })
})
