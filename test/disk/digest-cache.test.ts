import { appendFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { DigestCache } from '../../lib/disk/digest-cache.js'
import { shareOf } from '../share/shares.js'
import type { Share } from '../../lib/share/share-index.js'
import { MiB } from '../../lib/protocol/units.js'

type Testdir = { testdir: (fixture: Record<string, string | Buffer>) => string }

async function cached (t: Testdir, names = ['file']): Promise<{ folder: string, hidden: string, cache: DigestCache, shares: Share[], entries: () => Promise<string[]> }> {
  const folder = t.testdir(Object.fromEntries(names.map((name) => [name, Buffer.alloc(MiB + 5, name)])))
  const hidden = join(folder, '.piecemeal')
  const cache = new DigestCache(hidden)
  const shares = await Promise.all(names.map(async (name) => await shareOf(folder, name)))
  for (const share of shares) await cache.put(share.filename, share.identity, share)
  const entries = async (): Promise<string[]> => (await readdir(join(hidden, 'digests'))).map((name) => join(hidden, 'digests', name))
  return { folder, hidden, cache, shares, entries }
}

await t.test('an unchanged file is known again, also by another process', async (t) => {
  const { hidden, cache, shares: [share] } = await cached(t)
  if (share === undefined) return t.fail()
  const { filename, path, identity, ...content } = share
  t.strictSame(await cache.get(path, identity), undefined, 'not by another path')
  t.strictSame(await cache.get(filename, identity), content)
  t.strictSame(await new DigestCache(hidden).get(filename, identity), content)
})

await t.test('names of any kind', async (t) => {
  const names = ['__proto__', ' a', '..b', '日本語', 'x'.repeat(255), 'e\u0301', '\u00e9']
  const { cache, shares } = await cached(t, names)
  for (const { filename, identity, digest } of shares) t.equal((await cache.get(filename, identity))?.digest, digest, JSON.stringify(filename))
})

await t.test('what was never put, and where there is no folder', async (t) => {
  const { folder, cache, shares: [share] } = await cached(t)
  if (share === undefined) return t.fail()
  t.equal(await cache.get('other', share.identity), undefined)
  t.equal(await new DigestCache(join(folder, 'nowhere')).get('file', share.identity), undefined)
})

await t.test('a file that has changed is not known', async (t) => {
  const { folder, cache, shares: [share] } = await cached(t)
  if (share === undefined) return t.fail()
  await appendFile(join(folder, 'file'), 'x')
  t.equal(await cache.get('file', (await shareOf(folder, 'file')).identity), undefined)
  for (const field of ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const) {
    t.equal(await cache.get('file', { ...share.identity, [field]: share.identity[field] + 1n }), undefined, field)
  }
})

await t.test('a newer entry takes the place of an older', async (t) => {
  const { folder, cache, entries } = await cached(t)
  await writeFile(join(folder, 'file'), Buffer.alloc(MiB + 1, 'other'))
  const newer = await shareOf(folder, 'file')
  await cache.put('file', newer.identity, newer)
  t.equal((await cache.get('file', newer.identity))?.digest, newer.digest)
  t.equal((await entries()).length, 1, 'and nothing is left over')
})

await t.test('an entry that is damaged is one that is not there', async (t) => {
  const { cache, shares: [share], entries } = await cached(t)
  const [path] = await entries()
  if (share === undefined || path === undefined) return t.fail()
  const good = await readFile(path, 'utf8')
  const fields = JSON.parse(good) as Record<string, unknown>
  const otherPieces = contentOf(Buffer.alloc(MiB + 5, 'z')).pieces.toString('base64')
  const damaged: Record<string, string | Buffer> = {
    empty: '',
    truncated: good.slice(0, -10),
    'no JSON': 'hello',
    null: 'null',
    array: '[]',
    binary: Buffer.alloc(1_000, 0xff),
    'no fields': '{}',
    'another file\'s': JSON.stringify({ ...fields, path: 'other' }),
    'another piece list': JSON.stringify({ ...fields, pieces: otherPieces }),
    'no piece list': JSON.stringify({ ...fields, pieces: '' }),
    'another digest': JSON.stringify({ ...fields, digest: `blake3:${'0'.repeat(64)}` }),
    'another size': JSON.stringify({ ...fields, size: 5 }),
    'another piece length': JSON.stringify({ ...fields, pieceLength: 2 * MiB }),
    'a size that is none': JSON.stringify({ ...fields, size: -1 }),
    'a path that is none': JSON.stringify({ ...fields, path: 5 }),
  }
  for (const [what, text] of Object.entries(damaged)) {
    await writeFile(path, text)
    t.equal(await cache.get('file', share.identity), undefined, what)
  }
  await writeFile(path, good)
  t.ok(await cache.get('file', share.identity), 'the undamaged one works')
})

await t.test('a folder where an entry should be', async (t) => {
  const { hidden, shares: [share], entries } = await cached(t)
  const [path] = await entries()
  if (share === undefined || path === undefined) return t.fail()
  const other = join(hidden, 'other')
  await mkdir(path.replace(hidden, other), { recursive: true })
  t.equal(await new DigestCache(other).get('file', share.identity), undefined)
})

await t.test('prune forgets what was not asked for lately, and nothing else', async (t) => {
  const { folder, cache, shares, entries } = await cached(t, ['a', 'b', '__proto__'])
  for (const path of await entries()) await utimes(path, 1_000, 1_000)
  const [a, b] = shares
  if (a === undefined || b === undefined) return t.fail()
  await cache.get(a.filename, a.identity)
  await cache.put(b.filename, b.identity, b)
  await cache.prune(2_000_000)
  for (const { filename, identity } of shares) t.equal((await cache.get(filename, identity)) !== undefined, filename !== '__proto__', filename)
  t.equal((await entries()).length, 2)
  await t.resolves(new DigestCache(join(folder, 'nowhere')).prune(2_000_000))
})

await t.test('a file of one piece is digested sooner than it is looked up', async (t) => {
  const folder = t.testdir({ file: Buffer.alloc(MiB, 'x') })
  const cache = new DigestCache(join(folder, '.piecemeal'))
  const share = await shareOf(folder, 'file')
  await cache.put('file', share.identity, share)
  t.equal(await cache.get('file', share.identity), undefined)
  t.strictSame(await readdir(folder), ['file'], 'and nothing is written')
})
