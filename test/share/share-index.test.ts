import t from 'tap'
import { ShareIndex, type Share } from '../../lib/share/share-index.js'

const DIGEST = `blake3:${'0'.repeat(64)}`
const identity = { dev: 1n, ino: 1n, size: 0n, mtimeNs: 1n, ctimeNs: 1n }

function share (filename: string, ctimeNs = 1n): Share {
  return { filename, path: `/${filename}`, size: 0, digest: DIGEST, pieceLength: 1_048_576, pieces: Buffer.alloc(0), identity: { ...identity, ctimeNs } }
}

await t.test('by name, and by digest where one is given', async (t) => {
  const shares = new ShareIndex()
  const a = share('a')
  shares.add(a)
  t.equal(shares.get('a'), a)
  t.equal(shares.get('a', DIGEST), a)
  t.throws(() => shares.get('a', `blake3:${'1'.repeat(64)}`), { code: 'E_NOT_SHARED', message: /"a"/ })
  for (const name of ['b', '', '__proto__', 'constructor', 'A']) {
    t.throws(() => shares.get(name), { code: 'E_NOT_SHARED' }, name)
    t.notOk(shares.has(name), name)
  }
  t.ok(shares.has('a'))
  t.strictSame([...shares], [a])
})

await t.test('names of JavaScript\'s are names', async (t) => {
  const shares = new ShareIndex()
  for (const name of ['__proto__', 'constructor']) {
    const one = share(name)
    shares.add(one)
    t.equal(shares.get(name), one)
  }
  t.equal(shares.size, 2)
})

await t.test('a newer share takes the place of an older, which can\'t take it away then', async (t) => {
  const shares = new ShareIndex()
  const [older, newer] = [share('a', 1n), share('a', 2n)]
  shares.add(older)
  shares.add(newer)
  t.equal(shares.size, 1)
  t.equal(shares.remove(older), false)
  t.equal(shares.get('a'), newer)
  // Words from another thread are copies.
  t.equal(shares.remove(structuredClone(newer)), true)
  t.equal(shares.remove(newer), false)
  t.equal(shares.size, 0)
})

await t.test('whatever has a content, under any name', async (t) => {
  const shares = new ShareIndex()
  const [a, b, newer] = [share('a'), share('b'), share('b', 2n)]
  for (const one of [a, b, newer]) shares.add(one)
  t.strictSame([...shares.withDigest(DIGEST)], [a, newer], 'without the one that another took the place of')
  shares.remove(b)
  shares.remove(newer)
  shares.add({ ...a, digest: `blake3:${'1'.repeat(64)}` })
  t.strictSame([...shares.withDigest(DIGEST)], [], 'nor those that are another content, or gone')
})

await t.test('at most 10,000', async (t) => {
  const shares = new ShareIndex()
  for (let i = 0; i < 10_000; i++) shares.add(share(`${i}`))
  t.throws(() => shares.add(share('one more')), { code: 'E_LIMIT', message: /"one more".*10000/ })
  t.doesNotThrow(() => shares.add(share('0')), 'in the place of another there is room')
})
