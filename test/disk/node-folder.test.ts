import fsPromises from 'node:fs/promises'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { NodeFolder } from '../../lib/disk/node-folder.js'
import { replace } from '../helpers/replace.js'

/** As it is where nothing can be made below one of these folders. */
async function openWhere (t: Test, path: string, refusals: Record<string, string>): Promise<NodeFolder> {
  const restore = replace(t, fsPromises, ({ mkdir }) => ({
    mkdir: (async (made: string) => {
      const code = Object.entries(refusals).find(([within]) => made.startsWith(within))?.[1]
      if (code !== undefined) throw Object.assign(new Error(`${code}: injected`), { code, path: made })
      await mkdir(made)
    }) as typeof mkdir,
  }))
  return await NodeFolder.open(path).finally(restore)
}

function setUp (t: Test): { path: string, cache: string } {
  const folder = t.testdir({ node: { file: 'mine' }, cache: {} })
  const { XDG_CACHE_HOME: before } = process.env
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
  })
  return { path: join(folder, 'node'), cache: join(folder, 'cache') }
}

const IDENTITY = { dev: 1n, ino: 2n, size: 2_000_000n, mtimeNs: 3n, ctimeNs: 4n }
const CONTENT = { size: 2_000_000, digest: `blake3:${'0'.repeat(64)}`, pieceLength: 1_048_576, pieces: Buffer.alloc(64) }

await t.test('a folder that may be written to keeps its own', async (t) => {
  const { path, cache } = setUp(t)
  const folder = await NodeFolder.open(path)
  t.strictSame(folder.warnings, [])
  t.equal(folder.abilities.naming.way, 'link')
  t.equal(await folder.targetOf('a'), join(path, 'a'))
  await folder.tidy(new Date())
  t.strictSame(readdirSync(cache), [])
  t.strictSame(readdirSync(join(path, '.piecemeal')), ['lock'])
  await folder.close()
})

for (const code of ['EROFS', 'EACCES', 'EPERM']) {
  await t.test(`one that may only be read: ${code}`, async (t) => {
    const { path, cache } = setUp(t)
    const folder = await openWhere(t, path, { [path]: code })
    t.strictSame(folder.warnings, [], 'all is kept')
    await t.rejects(folder.targetOf('a'), { code: 'E_IO', message: /node" is read-only/ })
    await folder.tidy(new Date())
    await folder.digests.put('file', IDENTITY, CONTENT)
    t.strictSame(readdirSync(path), ['file'])
    const [kept = ''] = readdirSync(join(cache, 'piecemeal'))
    t.strictSame(readdirSync(join(cache, 'piecemeal', kept)).sort(), ['digests', 'lock'])
    await t.rejects(openWhere(t, path, { [path]: code }), { code: 'E_NAME_TAKEN' }, 'the lock is there')
    await folder.close()
    await (await openWhere(t, path, { [path]: code })).close()
  })
}

await t.test('a full disk: what is to be kept is kept elsewhere, and there may be room later', async (t) => {
  const { path, cache } = setUp(t)
  const folder = await openWhere(t, path, { [path]: 'ENOSPC' })
  await t.resolves(folder.targetOf('a'))
  t.ok(existsSync(join(cache, 'piecemeal')))
  await folder.close()
})

await t.test('nothing can be written anywhere: it goes on without, and says so', async (t) => {
  const { path, cache } = setUp(t)
  const folder = await openWhere(t, path, { [path]: 'EROFS', [cache]: 'EACCES' })
  t.match(folder.warnings, [/neither .*node" nor the cache folder/])
  await folder.digests.put('file', IDENTITY, CONTENT)
  t.equal(await folder.digests.get('file', IDENTITY), undefined)
  await folder.tidy(new Date())
  await folder.close()
})

await t.test('a folder that is not there, or is none', async (t) => {
  const { path, cache } = setUp(t)
  const absent = join(path, 'absent')
  await t.rejects(openWhere(t, absent, { [absent]: 'EROFS' }), { code: 'E_IO', message: /absent"/ }, 'nothing to share, and nowhere to write')
  await t.rejects(NodeFolder.open(join(path, 'file')), { code: 'E_IO', message: /file"/ })
  await t.rejects(NodeFolder.open(join(path, 'file', 'below')), { code: 'E_IO' })
  mkdirSync(join(path, 'full'))
  await t.rejects(openWhere(t, join(path, 'full'), { [join(path, 'full')]: 'EIO' }), { code: 'E_IO' })
  t.strictSame(readdirSync(cache), [])
})
