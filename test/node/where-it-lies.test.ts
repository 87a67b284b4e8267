/** Files that are shared where they lie: under which name, until when, and how they come back. */
import { once } from 'node:events'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { testDir } from '../helpers/files.js'

async function ownerAndAsker (t: Pick<Test, 'testdir' | 'teardown'>): Promise<{ folder: string, owner: Node, asker: Node }> {
  const folder = testDir(t, { data: { a: 'the bytes of a', b: 'other bytes' }, nodes: { Owner: { a: 'of the node' } } })
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const [owner, asker] = ['Owner', 'Asker'].map((name) => new Node({ name, dir: join(folder, 'nodes'), tracker: address, deadlines: { missingLookMs: 50 } })) as [Node, Node]
  t.teardown(async () => await Promise.all([owner.close(), asker.close()]))
  await Promise.all([owner.start(), asker.start()])
  return { folder, owner, asker }
}

await t.test('a path is shared under its last component, or another name, and nobody learns it', { timeout: 60_000 }, async (t) => {
  const { folder, owner, asker } = await ownerAndAsker(t)
  const a = join(folder, 'data', 'a')
  t.match(await owner.upload(relative(process.cwd(), a).replace(/^(?!\.)/, './')), { file: 'a', bytes: 14 })
  t.match(await owner.upload(a), { file: 'a', bytes: 14 }, 'once more')
  t.match(await owner.upload(a, { as: 'other name' }), { file: 'other name', bytes: 14 })
  await t.rejects(owner.upload('a'), { code: 'E_EXISTS', message: /data\/a/ }, 'the name is that of another file')
  await t.rejects(owner.upload(join(folder, 'data', 'b'), { as: 'a' }), { code: 'E_EXISTS' })
  await t.rejects(owner.upload(a, { as: 'x/y' }), { code: 'E_NAME' })
  await t.rejects(owner.upload(`${folder}/data/..`), { code: 'E_NAME' })
  await t.rejects(owner.upload(join(folder, 'data', 'none')), { code: 'E_IO' })
  symlinkSync('data', join(folder, 'link'))
  await t.rejects(owner.upload(join(folder, 'link')), { code: 'E_FORBIDDEN' })
  await asker.download('other name')
  t.equal(await readFile(join(folder, 'nodes', 'Asker', 'other name'), 'utf8'), 'the bytes of a')
  t.notMatch(JSON.stringify(await asker.list()), /data/)
})

await t.test('what is gone is looked for, and shared again once it is back', { timeout: 60_000 }, async (t) => {
  const { folder, owner } = await ownerAndAsker(t)
  const [data, away] = [join(folder, 'data'), join(folder, 'away')]
  await owner.upload(join(data, 'a'))
  await owner.upload(join(data, 'b'))
  renameSync(data, away)
  await t.rejects(owner.verify('a'), { code: 'E_CHANGED', message: /is gone/ })
  await t.rejects(owner.verify('b'), { code: 'E_CHANGED' })
  t.match((await owner.list()).files, [])
  t.match((await owner.status()).sharing, [{ file: 'a', missing: true }, { file: 'b', missing: true }])
  owner.unshare('b')
  t.strictSame((await owner.status()).sharing.map(({ file }) => file), ['a'], 'what its user wants no more is forgotten')

  const sharing = once(owner, 'sharing', { signal: AbortSignal.timeout(10_000) })
  renameSync(away, data)
  t.match(await sharing, [{ file: 'a' }])
  t.match((await owner.list()).files, [{ filename: 'a' }])
  t.strictSame((await owner.status()).sharing.map(({ missing }) => missing), [undefined])

  renameSync(data, away)
  await t.rejects(owner.verify('a'), { code: 'E_CHANGED' })
  const other = join(folder, 'other')
  mkdirSync(other)
  writeFileSync(join(other, 'a'), 'another one')
  t.match(await owner.upload(join(other, 'a')), { file: 'a', bytes: 11 }, 'another file may have the name of one that is gone')
})
