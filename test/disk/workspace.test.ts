import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { digestPieces, type DigestTask } from '../../lib/disk/digest-pieces.js'
import { Workspace } from '../../lib/disk/workspace.js'
import { tempDir } from '../helpers/files.js'
import { piecesOf, tinyContent, type TinyContent } from '../download/contents.js'

const content = tinyContent(95)
const digest = async (task: DigestTask): Promise<Buffer> => await Promise.resolve(digestPieces(task))

/** The workspace of a download, and its folder. */
async function open (t: Pick<Test, 'testdir'>, of = content, inWindows = false): Promise<{ hidden: string, folder: string, workspace: Workspace }> {
  const hidden = join(t.testdir({}), '.piecemeal')
  const workspace = await Workspace.open(hidden, of, inWindows)
  return { hidden, workspace, folder: dirname(workspace.newPartFile(0)) }
}

/** What an earlier run left, by name. */
async function resumed (t: Pick<Test, 'testdir'>, files: Record<string, Buffer | string>, inWindows: boolean, of: TinyContent = content): Promise<{ folder: string, runs: string[] }> {
  const { hidden, folder } = await open(t, of, inWindows)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  const workspace = await Workspace.open(hidden, of, inWindows)
  const runs = await workspace.resume(of.pieces, digest)
  return { folder, runs: runs.map(({ firstPiece, endPiece, path }) => `${firstPiece}..${endPiece} ${basename(path)}`) }
}

function piecesFrom (firstPiece: number, endPiece: number): Buffer {
  return Buffer.from(piecesOf(content.data, firstPiece, endPiece))
}

/** With one bit the other way round. */
function flipped (bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

await t.test('a folder of its own in the hidden folder, by digest and by name', async (t) => {
  const { hidden, folder } = await open(t)
  t.equal(dirname(dirname(folder)), hidden)
  t.equal(basename(dirname(folder)), content.digest.slice('blake3:'.length))
  t.match(JSON.parse(readFileSync(join(folder, 'journal.json'), 'utf8')), { filename: 'file', size: 95, digest: content.digest })
  const other = dirname((await Workspace.open(hidden, { ...content, filename: 'other' }, false)).newPartFile(0))
  t.not(other, folder, 'one content under two names does not meet itself')
  for (const filename of ['__proto__', 'x'.repeat(255), ' ', '😀'.repeat(63)]) await t.resolves(Workspace.open(hidden, { ...content, filename }, false))
})

await t.test('where no folder can be', async (t) => {
  const folder = t.testdir({ file: '' })
  await t.rejects(Workspace.open(join(folder, 'file'), content, false), { code: 'E_IO', message: new RegExp(folder) })
})

await t.test('what an earlier run left', async (t) => {
  const whole = content.data
  const table: Array<[what: string, files: Record<string, Buffer | string>, runs: string[], inWindows?: string[]]> = [
    ['nothing', {}, []],
    ['a good part', { '0-0.part': piecesFrom(0, 4) }, ['0..4 0-0.part']],
    ['one in the middle', { '3-7.part': piecesFrom(3, 5) }, ['3..5 3-7.part']],
    ['the last, shorter piece', { '9-0.part': piecesFrom(9, 10) }, ['9..10 9-0.part']],
    ['all of it', { '0-0.part': whole }, ['0..10 0-0.part']],
    ['several, longest first', { '0-0.part': piecesFrom(0, 1), '1-1.part': piecesFrom(1, 6), '6-2.part': piecesFrom(6, 8) }, ['1..6 1-1.part', '6..8 6-2.part', '0..1 0-0.part']],
    ['cut off within a piece', { '0-0.part': whole.subarray(0, 37) }, ['0..3 0-0.part']],
    ['cut off within the first piece', { '2-0.part': piecesFrom(2, 3).subarray(0, 9) }, []],
    ['the last piece cut off', { '8-0.part': whole.subarray(80, 94) }, ['8..9 8-0.part']],
    ['empty', { '0-0.part': '' }, []],
    ['wrong from the beginning', { '0-0.part': flipped(whole, 0) }, [], ['1..10 0-0.part']],
    ['wrong at the end', { '0-0.part': flipped(whole, 94) }, ['0..9 0-0.part']],
    ['wrong in the middle', { '0-0.part': flipped(whole, 55) }, ['0..5 0-0.part'], ['0..5 0-0.part', '6..10 0-0.part']],
    ['good bytes in another place', { '1-0.part': piecesFrom(2, 5) }, []],
    ['another content', { '0-0.part': 'x'.repeat(95) }, []],
    ['more than there is', { '0-0.part': Buffer.concat([whole, Buffer.alloc(50)]) }, ['0..10 0-0.part']],
    ['beyond the end', { '10-0.part': 'x', '9999-0.part': 'x'.repeat(20) }, []],
    ['holes', { '0-0.part': Buffer.concat([piecesFrom(0, 2), Buffer.alloc(75)]) }, ['0..2 0-0.part']],
    ['windows', { '0-0.part': Buffer.concat([Buffer.alloc(30), piecesFrom(3, 5), Buffer.alloc(20), piecesFrom(7, 10)]) }, [], ['7..10 0-0.part', '3..5 0-0.part']],
  ]
  for (const [what, files, separate, windows = separate] of table) {
    for (const [wanted, inWindows] of [[separate, false], [windows, true]] as const) {
      const { folder, runs } = await resumed(t, files, inWindows)
      t.strictSame(runs, wanted, what)
      const kept = new Set(wanted.map((run) => run.split(' ')[1]))
      t.strictSame(readdirSync(folder).filter((name) => name.endsWith('.part')).sort(), [...kept].sort(), `${what}: the others are removed`)
    }
  }
})

await t.test('files of any other name are no part files, and are left alone', async (t) => {
  const names = [
    'x.part', '0.part', '0-.part', '-0.part', '0-0.part.bak', '0-0.PART', 'a0-0.part', '00000000-0.part', '-1-0.part', '1.5-0.part', '0-0.part\n', '１-0.part', '0-1234567890.part', '0x1-0.part',
  ]
  const { folder, runs } = await resumed(t, Object.fromEntries(names.map((name) => [name, content.data])), false)
  t.strictSame(runs, [])
  for (const name of names) t.ok(readFileSync(join(folder, name)).equals(content.data), JSON.stringify(name))
})

await t.test('a new part file never has the name of an old one', async (t) => {
  const { hidden, folder } = await open(t)
  for (const name of ['0-0.part', '0-41.part', '5-7.part']) writeFileSync(join(folder, name), content.data)
  const workspace = await Workspace.open(hidden, content, false)
  await workspace.resume(content.pieces, digest)
  const paths = [workspace.newPartFile(0), workspace.newPartFile(0), workspace.newPartFile(5)]
  t.equal(new Set(paths).size, 3)
  for (const path of paths) {
    t.equal(dirname(path), folder)
    t.notOk(existsSync(path))
  }
})

await t.test('trouble while digesting is told', async (t) => {
  const { hidden, folder } = await open(t)
  writeFileSync(join(folder, '0-0.part'), content.data)
  const workspace = await Workspace.open(hidden, content, false)
  await t.rejects(workspace.resume(content.pieces, async () => await Promise.reject(new Error('thread died'))), { message: 'thread died' })
  t.ok(existsSync(join(folder, '0-0.part')), 'and nothing is thrown away for it')
})

await t.test('property: whatever became of the part files, no bad piece is taken for good', async (t) => {
  const base = await tempDir(t)
  const part = fc.record({
    firstPiece: fc.nat(11),
    pieces: fc.nat(11),
    cut: fc.nat(30),
    flips: fc.array(fc.nat(120), { maxLength: 2 }),
    extra: fc.uint8Array({ maxLength: 15 }),
  })
  await fc.assert(fc.asyncProperty(fc.array(part, { maxLength: 4 }), fc.boolean(), async (parts, inWindows) => {
    const hidden = await mkdtemp(join(base, 'hidden-'))
    const folder = dirname((await Workspace.open(hidden, content, false)).newPartFile(0))
    for (const [i, { firstPiece, pieces, cut, flips, extra }] of parts.entries()) {
      const bytes = piecesFrom(firstPiece, firstPiece + pieces)
      for (const at of flips.filter((at) => at < bytes.length)) bytes[at] = (bytes[at] ?? 0) ^ 0x80
      writeFileSync(join(folder, `${firstPiece}-${i}.part`), Buffer.concat([bytes.subarray(0, Math.max(0, bytes.length - cut)), extra]))
    }
    const runs = await (await Workspace.open(hidden, content, inWindows)).resume(content.pieces, digest)
    const isGood = runs.every(({ firstPiece, endPiece, path, originPiece }) => {
      const wanted = piecesFrom(firstPiece, endPiece)
      const start = (firstPiece - originPiece) * 10
      return endPiece > firstPiece && endPiece <= 10 && (inWindows || start === 0) && readFileSync(path).subarray(start, start + wanted.length).equals(wanted)
    })
    const left = readdirSync(folder).filter((name) => name.endsWith('.part')).length
    await rm(hidden, { recursive: true })
    return isGood && left === new Set(runs.map(({ path }) => path)).size
  }), { numRuns: 100 })
  t.pass('100 runs')
})

await t.test('room: refused before any byte where there is none, counting what is there already', async (t) => {
  const { workspace } = await open(t)
  const promise = await workspace.promiseRoom()
  promise.end()
  const huge = await open(t, { ...content, size: 2 ** 52, pieceLength: 2 ** 39 })
  await t.rejects(huge.workspace.promiseRoom(), { code: 'E_DISK_FULL', message: /"file".*4503599627370496/ })
  await t.rejects(huge.workspace.promiseRoom(2 ** 52 - 1_000), { code: 'E_DISK_FULL' }, 'zeros take room where there are no holes')
  const sparse = await open(t, { ...content, size: 2 ** 52, pieceLength: 2 ** 39 }, true)
  const little = await sparse.workspace.promiseRoom(2 ** 52 - 1_000)
  t.equal(little.bytesToCome, 1_000, 'and none where there are')
  little.end()
})

await t.test('remove leaves nothing, but another download of the same content', async (t) => {
  const { hidden, workspace, folder } = await open(t)
  const other = await Workspace.open(hidden, { ...content, filename: 'other' }, false)
  writeFileSync(workspace.newPartFile(0), 'x')
  writeFileSync(other.newPartFile(0), 'x')
  t.ok(await workspace.hasParts())
  await workspace.remove()
  t.notOk(existsSync(folder))
  t.notOk(await workspace.hasParts())
  t.ok(await other.hasParts())
  await t.resolves(workspace.remove(), 'twice')
  await other.remove()
  t.strictSame(readdirSync(hidden), [])
})
