import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { WindowedFile } from '../../lib/disk/windowed-file.js'
import type { PieceRange, PlacedRun } from '../../lib/content/run.js'
import { piecesOf, tinyContent } from '../download/contents.js'
import { replaceRoom } from './replace-room.js'

const content = tinyContent(95)

/** A file of that content, and a place for part files. */
async function open (t: Pick<Test, 'testdir' | 'teardown'>, runs: PieceRange[] = []): Promise<{ folder: string, file: WindowedFile, moved: PlacedRun[] }> {
  const folder = t.testdir({})
  const path = join(folder, '0-0.part')
  if (runs.length > 0) writeFileSync(path, '')
  for (const run of runs) write(path, run)
  const moved: PlacedRun[] = []
  const file = await WindowedFile.open({ content, path, runs, onMoved: (run) => { moved.push(run) } })
  t.teardown(async () => await file.close())
  return { folder, file, moved }
}

/** As a thread does it. */
function write (path: string, { firstPiece, endPiece }: PieceRange, bytes = piecesOf(content.data, firstPiece, endPiece)): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, firstPiece * content.pieceLength)
  closeSync(fd)
}

/** In a file of its own. */
function partFile (folder: string, range: PieceRange): PlacedRun {
  const path = join(folder, `${range.firstPiece}-1.part`)
  writeFileSync(path, piecesOf(content.data, range.firstPiece, range.endPiece))
  return { ...range, path, originPiece: range.firstPiece }
}

await t.test('windows in any order', async (t) => {
  const { folder, file, moved } = await open(t)
  t.equal(statSync(file.path).size, 95, 'it can be read everywhere')
  for (const [firstPiece, endPiece] of [[8, 10], [0, 3], [3, 8]] as const) {
    file.windows.take({ firstPiece, endPiece })
    write(file.path, { firstPiece, endPiece })
    file.windows.keep({ firstPiece, endPiece })
  }
  await file.finish()
  t.ok(readFileSync(file.path).equals(content.data))
  t.strictSame([readdirSync(folder), moved], [['0-0.part'], []])
})

await t.test('what an earlier run left stays where it is, and what is beyond the end goes', async (t) => {
  const { file } = await open(t, [{ firstPiece: 1, endPiece: 3 }, { firstPiece: 7, endPiece: 10 }])
  t.notOk(file.windows.take({ firstPiece: 0, endPiece: 2 }))
  for (const range of [{ firstPiece: 0, endPiece: 1 }, { firstPiece: 3, endPiece: 7 }]) {
    write(file.path, range)
    file.windows.keep(range)
  }
  writeFileSync(file.path, 'bytes that nobody vouches for', { flag: 'a' })
  await file.finish()
  t.ok(readFileSync(file.path).equals(content.data))
})

await t.test('part files are copied in, told of, and go; but never into a window that somebody may be writing', async (t) => {
  const { folder, file, moved } = await open(t, [{ firstPiece: 0, endPiece: 2 }])
  file.windows.take({ firstPiece: 5, endPiece: 8 })
  file.add(partFile(folder, { firstPiece: 2, endPiece: 10 }))
  file.add(partFile(folder, { firstPiece: 0, endPiece: 1 }))
  // Until nothing of it is left to do: the second has gone by then.
  while (existsSync(join(folder, '0-1.part'))) await new Promise((resolve) => { setImmediate(resolve) })
  t.strictSame(moved.map(({ firstPiece, endPiece, path, originPiece, isMoved }) => [firstPiece, endPiece, basename(path), originPiece, isMoved]),
    [9, 8, 4, 3, 2].map((piece) => [piece, piece + 1, '0-0.part', 0, true]))
  t.ok(existsSync(join(folder, '2-1.part')), 'it has pieces yet')
  write(file.path, { firstPiece: 5, endPiece: 8 }, Buffer.alloc(30, 'a liar'))
  file.windows.keep({ firstPiece: 5, endPiece: 5 })
  file.windows.giveBack({ firstPiece: 5, endPiece: 8 })
  await file.finish()
  t.ok(readFileSync(file.path).equals(content.data))
  t.strictSame(readdirSync(folder), ['0-0.part'])
})

await t.test('no room for a part twice: what is copied is cut off at once', async (t) => {
  replaceRoom(t, 49)
  const folder = t.testdir({})
  const run = partFile(folder, { firstPiece: 2, endPiece: 10 })
  const bytesLeft: number[] = []
  const file = await WindowedFile.open({ content, path: join(folder, '0-0.part'), runs: [], onMoved: () => { bytesLeft.push(statSync(run.path).size) } })
  write(file.path, { firstPiece: 0, endPiece: 2 })
  file.windows.keep({ firstPiece: 0, endPiece: 2 })
  file.add(run)
  await file.finish()
  t.ok(readFileSync(file.path).equals(content.data))
  t.strictSame(bytesLeft, [75, 70, 60, 50, 40, 30, 20, 10])
})

await t.test('a piece that is missing is never papered over', async (t) => {
  const { file } = await open(t, [{ firstPiece: 0, endPiece: 4 }, { firstPiece: 5, endPiece: 10 }])
  await t.rejects(file.finish(), { code: 'E_INTERNAL', message: /piece 4 / })
})

await t.test('a part file that became shorter, or went', async (t) => {
  for (const damage of [(path: string) => writeFileSync(path, 'x'), (path: string) => rmSync(path)]) {
    const { folder, file } = await open(t, [{ firstPiece: 0, endPiece: 4 }])
    const run = partFile(folder, { firstPiece: 4, endPiece: 10 })
    damage(run.path)
    file.add(run)
    await t.rejects(file.finish(), { code: 'E_IO' })
    t.ok(file.failure, 'and that is known')
    t.ok(file.windows.take({ firstPiece: 4, endPiece: 10 }), 'its pieces are free again')
    await file.close()
    t.ok(existsSync(file.path), 'what is good is kept')
  }
})

await t.test('close: twice, and a file without any good piece goes', async (t) => {
  const { file } = await open(t)
  write(file.path, { firstPiece: 0, endPiece: 2 })
  await file.close()
  await file.close()
  t.notOk(existsSync(file.path))
})

await t.test('it is made anew, or taken as it is', async (t) => {
  const folder = t.testdir({ '0-0.part': 'of somebody' })
  const options = { content, path: join(folder, '0-0.part'), onMoved: () => {} }
  await t.rejects(WindowedFile.open({ ...options, runs: [] }), { code: 'E_IO' })
  t.equal(readFileSync(options.path, 'utf8'), 'of somebody')
  await t.rejects(WindowedFile.open({ ...options, path: join(folder, 'gone'), runs: [{ firstPiece: 0, endPiece: 1 }] }), { code: 'E_IO' })
})
