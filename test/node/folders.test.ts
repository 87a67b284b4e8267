/** Folders from one node to others, in this process: shared, listed, fetched, changed, replaced, gone. */
import { once } from 'node:events'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import type { NodeOptions } from '../../lib/node/options.js'
import { MiB } from '../../lib/protocol/units.js'
import { testDir } from '../helpers/files.js'

interface Network {
  /** Of the folder that is shared. */
  root: string
  nodes: string
  node: (name: string, options?: Partial<NodeOptions>) => Promise<Node>
}

async function network (t: Pick<Test, 'testdir' | 'teardown'>): Promise<Network> {
  const folder = testDir(t, { d: { sub: { a: 'the bytes of a', b: 'other bytes', empty: '' }, none: {} }, nodes: {} })
  const root = join(folder, 'd')
  writeFileSync(join(root, 'large'), Buffer.alloc(3 * MiB, 'large '))
  symlinkSync('sub/a', join(root, 'link'))
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const nodes: Node[] = []
  t.teardown(async () => await Promise.all(nodes.map(async (node) => await node.close())))
  return {
    root,
    nodes: join(folder, 'nodes'),
    node: async (name, options) => {
      const node = new Node({ ...options, name, dir: join(folder, 'nodes'), tracker: address, deadlines: { missingLookMs: 50 } })
      nodes.push(node)
      await node.start()
      return node
    },
  }
}

await t.test('from one node to others, whole or in part', { timeout: 60_000 }, async (t) => {
  const { root, nodes, node } = await network(t)
  const owner = await node('Owner')
  const shared = await owner.upload(`${root}/`)
  t.match(shared, { file: 'd', files: 4, announced: true })
  const asker = await node('Asker')
  t.match((await asker.list()).files, [{ filename: 'd', kind: 'folder', files: 4, filesSize: shared.bytes, digest: shared.digest, owners: 1 }])
  await asker.download('d')
  t.strictSame((await readdir(join(nodes, 'Asker', 'd'), { recursive: true })).sort(), ['large', 'link', 'none', 'sub', 'sub/a', 'sub/b', 'sub/empty'])
  t.equal(await readFile(join(nodes, 'Asker', 'd', 'link'), 'utf8'), 'the bytes of a')
  t.match((await asker.status()).sharing, [{ file: 'd', digest: shared.digest, files: 4 }])

  // What somebody has of it is served to others.
  const part = await node('Part')
  await part.download('d', { only: ['sub'] })
  await owner.close()
  await asker.close()
  const other = await node('Other')
  await other.download('d', { only: ['sub/b'] })
  t.equal(await readFile(join(nodes, 'Other', 'd', 'sub', 'b'), 'utf8'), 'other bytes')
})

await t.test('whole it is shared again after a restart, in part it is not', { timeout: 60_000 }, async (t) => {
  const { root, node } = await network(t)
  const { digest } = await (await node('Owner')).upload(`${root}/`, { times: true })
  const [asker, part] = [await node('Asker', { remember: true }), await node('Part', { remember: true })]
  await asker.download('d')
  await part.download('d', { only: ['sub'] })
  await Promise.all([asker.close(), part.close()])
  await node('Part', { remember: true })
  const again = await node('Asker', { remember: true })
  const [sharing] = (await again.status()).sharing.length > 0 ? (await again.status()).sharing : await once(again, 'sharing', { signal: AbortSignal.timeout(20_000) })
  t.match(sharing, { file: 'd', digest })
  t.match((await again.list()).files, [{ filename: 'd', digest, owners: 2 }], 'the owner and the one that has all of it')
})

await t.test('a file that changes leaves it, and a new version takes its place', { timeout: 60_000 }, async (t) => {
  const { root, nodes, node } = await network(t)
  const [owner, asker] = [await node('Owner'), await node('Asker')]
  const first = await owner.upload(root)
  appendFileSync(join(root, 'sub', 'a'), ', and more')
  // The same bytes at another time.
  utimesSync(join(root, 'sub', 'b'), 1, 1)
  const changes: unknown[] = []
  owner.on('changed', (change) => changes.push(change))
  await t.rejects(owner.verify('d'), { code: 'E_CHANGED', message: /1 files/ })
  await t.rejects(owner.verify('d'), { code: 'E_CHANGED' })
  t.strictSame(changes, [{ file: 'd', path: 'sub/a' }], 'told once')
  await asker.download('d', { only: ['sub/b', 'large'] })
  t.equal(await readFile(join(nodes, 'Asker', 'd', 'sub', 'b'), 'utf8'), 'other bytes')

  const second = await owner.upload(root)
  t.not(second.digest, first.digest)
  await owner.verify('d')
  t.match((await owner.status()).sharing, [{ file: 'd', digest: second.digest }])
  const other = await node('Other')
  await other.download('d')
  t.equal(await readFile(join(nodes, 'Other', 'd', 'sub', 'a'), 'utf8'), 'the bytes of a, and more')
  await t.rejects(owner.upload(join(root, 'sub'), { as: 'd' }), { code: 'E_EXISTS', message: /--as/ })
})

await t.test('a download that began before the next version comes to its end', { timeout: 60_000 }, async (t) => {
  const { root, nodes, node } = await network(t)
  const owner = await node('Owner')
  const first = await owner.upload(root)
  const asker = await node('Asker')
  asker.limit('down', MiB)
  const underWay = once(asker, 'progress')
  const download = asker.download('d')
  await underWay
  appendFileSync(join(root, 'sub', 'new'), 'of the next version')
  const second = await owner.upload(root)
  t.match((await asker.list()).files, [{ filename: 'd', digest: second.digest }], 'it alone is announced')
  asker.limit('down', undefined)
  t.match(await download, { digest: first.digest })
  t.strictSame(await readdir(join(nodes, 'Asker', 'd', 'sub')), ['a', 'b', 'empty'])
})

await t.test('one that is gone is looked for, and shared again with what is the same', { timeout: 60_000 }, async (t) => {
  const { root, node } = await network(t)
  const owner = await node('Owner')
  await owner.upload(root)
  renameSync(root, `${root}-away`)
  const withdrawn = once(owner, 'withdrawn')
  const asker = await node('Asker')
  await t.rejects(asker.download('d'), { code: 'E_CHANGED' })
  t.match(await withdrawn, [{ file: 'd', code: 'E_CHANGED' }])
  t.match((await owner.status()).sharing, [{ file: 'd', missing: true }])
  const isBack = once(owner, 'sharing')
  mkdirSync(root)
  rmSync(root, { recursive: true })
  renameSync(`${root}-away`, root)
  t.match(await isBack, [{ file: 'd', files: 4 }])
  owner.unshare('d')
  t.strictSame((await owner.status()).sharing, [])
  t.throws(() => owner.unshare('d'), { code: 'E_NOT_SHARED' })
})
