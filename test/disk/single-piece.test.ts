import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { SINGLE_PIECE } from '../../lib/disk/hidden.js'
import { SinglePiece, makeHole } from '../../lib/disk/single-piece.js'
import { tinyContent } from '../download/contents.js'

const content = tinyContent(9)

await t.test('a name of its own for each part, in the hidden folder, that tells what it is', async (t) => {
  const hidden = t.testdir({})
  const [one, other] = [new SinglePiece(hidden, content), new SinglePiece(hidden, content)]
  const paths = [one.newPartFile(), one.newPartFile(), other.newPartFile()]
  t.equal(new Set(paths).size, 3, 'one content under two names does not meet itself')
  for (const path of paths) {
    t.equal(dirname(path), hidden)
    t.match(basename(path), SINGLE_PIECE)
    t.ok(basename(path).startsWith(content.digest.slice('blake3:'.length)))
  }
})

await t.test('remove leaves nothing of it, and nothing else goes', async (t) => {
  const hidden = t.testdir({ mine: '' })
  const [one, other] = [new SinglePiece(hidden, content), new SinglePiece(hidden, content)]
  for (const path of [one.newPartFile(), one.newPartFile(), other.newPartFile()]) writeFileSync(path, 'x')
  one.newPartFile()
  await one.remove()
  await t.resolves(one.remove(), 'twice')
  t.equal(readdirSync(hidden).length, 2)
  await other.remove()
  t.strictSame(readdirSync(hidden), ['mine'])
})

await t.test('nothing is kept for a next try', async (t) => {
  const part = new SinglePiece(t.testdir({}), content)
  writeFileSync(part.newPartFile(), content.data)
  t.notOk(await part.hasParts())
  t.strictSame(await part.resume(), [])
})

await t.test('a file of nothing but zeros, if only of none', async (t) => {
  const path = join(t.testdir({}), 'hole')
  for (const bytes of [0, 100_000]) {
    t.strictSame(await makeHole(`${path}${bytes}`, { size: bytes, pieceLength: 10_000 }, bytes / 10_000), { firstPiece: 0, endPiece: bytes / 10_000, path: `${path}${bytes}`, originPiece: 0 })
    t.ok(readFileSync(`${path}${bytes}`).equals(Buffer.alloc(bytes)))
    t.equal(statSync(`${path}${bytes}`).blocks, 0)
  }
  await t.rejects(makeHole(`${path}0`, content, 0), { code: 'E_IO' }, 'what is there is nobody\'s to empty')
})
