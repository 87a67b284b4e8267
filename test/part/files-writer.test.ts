/** A part that goes to the files of a tree at once. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FolderLayout, offsetsOf } from '../../lib/content/layout.js'
import { FilesWriter } from '../../lib/part/files-writer.js'
import { KiB, MiB } from '../../lib/protocol/units.js'

/** The last piece of `large` is but half data, and that of `sparse` ends in zeros. */
const FILES = { a: Buffer.from('a'), large: Buffer.alloc(2.5 * MiB, 'large'), none: Buffer.alloc(0), sparse: Buffer.alloc(2 * MiB), z: Buffer.alloc(300 * KiB, 'z') }
FILES.sparse.fill('data', MiB + 100 * KiB, MiB + 200 * KiB)
const NAMES = ['a', 'large', 'sparse', 'z'] as const
const LAYOUT = new FolderLayout(NAMES.map((name) => FILES[name].length))
const ALL = Buffer.concat(Object.values(FILES))

/** All but the first pieces. */
function write (root: string, { firstPiece = 0, endPiece = LAYOUT.pieceCount, isBlank = true, chunk = MiB } = {}): void {
  const offset = LAYOUT.offsetOf(firstPiece)
  const file = LAYOUT.fileOf(firstPiece)
  const names = NAMES.slice(file, LAYOUT.fileOf(endPiece - 1) + 1)
  const bytes = Float64Array.from(names, (name) => FILES[name].length)
  const offsetInFirst = offset - LAYOUT.offsetOfFile(file)
  bytes[0] = (bytes[0] ?? 0) - offsetInFirst
  const writer = new FilesWriter({ path: root, firstPiece, isBlank, offsets: offsetsOf(LAYOUT, { firstPiece, endPiece }) }, { paths: names, bytes, offset: offsetInFirst })
  const data = ALL.subarray(offset, LAYOUT.offsetOf(endPiece))
  for (let at = 0; at < data.length; at += chunk) writer.write(data.subarray(at, at + chunk), at)
  writer.close()
}

function assertThere (t: Test, root: string): void {
  for (const name of NAMES) t.ok(readFileSync(join(root, name)).equals(FILES[name]), name)
}

for (const chunk of [64 * KiB, 300_001, 4 * MiB]) {
  await t.test(`in chunks of ${chunk} bytes`, async (t) => {
    const root = t.testdir({ a: '', large: '', sparse: '', z: '' })
    write(root, { chunk })
    assertThere(t, root)
    t.ok(statSync(join(root, 'sparse')).blocks * 512 <= 300 * KiB, 'zeros stay a hole')
  })

  await t.test(`the same where somebody may have left bytes, in chunks of ${chunk} bytes`, async (t) => {
    const root = t.testdir({ a: 'b', large: '', sparse: '', z: '' })
    writeFileSync(join(root, 'sparse'), Buffer.alloc(2 * MiB, 'a liar'))
    truncateSync(join(root, 'large'), 2.5 * MiB)
    write(root, { chunk, isBlank: false })
    assertThere(t, root)
  })
}

await t.test('two parts of one file, the later one first: none cuts off what is the other\'s', async (t) => {
  const root = t.testdir({ a: '', large: '', sparse: '', z: '' })
  // To the middle of `large`, and of `sparse`, which ends in a hole there.
  for (const [firstPiece, endPiece] of [[5, 7], [2, 5], [0, 2]] as const) write(root, { firstPiece, endPiece })
  assertThere(t, root)
})

await t.test('a file that is not there, or is a link, is not written', async (t) => {
  t.throws(() => write(t.testdir({})), { code: 'E_IO', message: /"a"/ })
  const root = t.testdir({ a: t.fixture('symlink', '../canary') })
  writeFileSync(join(root, '../canary'), 'safe')
  t.throws(() => write(root), { code: 'E_IO' })
  t.equal(readFileSync(join(root, '../canary'), 'utf8'), 'safe')
})
