import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { Glue } from '../../lib/disk/glue.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import type { Run } from '../../lib/content/run.js'
import { Workspace } from '../../lib/disk/workspace.js'
import { tempDir } from '../helpers/files.js'
import { piecesOf, tinyContent, type TinyContent } from '../download/contents.js'
import { MiB } from '../../lib/protocol/units.js'
import { replaceRoom } from './replace-room.js'

/** Part files of a content, `[first, end]` each. */
function parts (folder: string, { data }: Pick<TinyContent, 'data'>, ranges: ReadonlyArray<readonly [number, number]>): Run[] {
  return ranges.map(([firstPiece, endPiece], i) => {
    const path = join(folder, `${firstPiece}-${i}.part`)
    writeFileSync(path, piecesOf(data, firstPiece, endPiece))
    return { firstPiece, endPiece, path }
  })
}

async function glued (t: Pick<Test, 'testdir' | 'teardown'>, content: TinyContent, ranges: ReadonlyArray<readonly [number, number]>): Promise<{ folder: string, path: string }> {
  const folder = t.testdir({})
  const glue = new Glue(content)
  t.teardown(async () => await glue.close())
  for (const run of parts(folder, content, ranges)) glue.add(run)
  return { folder, path: await glue.finish() }
}

const content = tinyContent(95)
const ORDERS: Record<string, Array<[number, number]>> = {
  'one part': [[0, 10]],
  'in order': [[0, 3], [3, 6], [6, 10]],
  backwards: [[9, 10], [6, 9], [3, 6], [0, 3]],
  'any order': [[3, 4], [0, 1], [8, 10], [4, 8], [1, 3]],
  overlapping: [[0, 4], [2, 7], [6, 10]],
  'overlapping, backwards': [[6, 10], [2, 7], [0, 4]],
  'the same part twice': [[0, 5], [0, 5], [5, 10], [5, 10]],
  'one within another': [[2, 3], [0, 10], [4, 5], [9, 10]],
  'two that begin at the beginning': [[0, 2], [0, 10]],
  'a part of nothing': [[0, 0], [0, 5], [5, 5], [5, 10]],
}

for (const [what, ranges] of Object.entries(ORDERS)) {
  await t.test(`parts put together: ${what}`, async (t) => {
    const { folder, path } = await glued(t, content, ranges)
    t.ok(readFileSync(path).equals(content.data))
    t.strictSame(readdirSync(folder).map((name) => join(folder, name)).filter((other) => other !== path), [], 'no other part is left')
  })
}

await t.test('an empty file is one empty part', async (t) => {
  const { path } = await glued(t, tinyContent(0), [[0, 0]])
  t.equal(readFileSync(path).length, 0)
})

await t.test('sizes around a piece', async (t) => {
  for (const size of [1, 9, 10, 11, 20]) {
    const content = tinyContent(size)
    const count = Math.ceil(size / 10)
    const { path } = await glued(t, content, Array.from({ length: count }, (_, i) => [i, i + 1] as const))
    t.ok(readFileSync(path).equals(content.data), `${size} bytes`)
  }
})

await t.test('it tells how far it has come', async (t) => {
  const folder = t.testdir({})
  const glue = new Glue(content)
  t.teardown(async () => await glue.close())
  t.equal(glue.piece, 0)
  for (const run of parts(folder, content, [[5, 10], [0, 3], [3, 5]])) glue.add(run)
  await glue.finish()
  t.equal(glue.piece, 10)
})

await t.test('part files that hold more than their good pieces', async (t) => {
  for (const ranges of [[[0, 4], [4, 8], [8, 10]], [[0, 10]]] as Array<Array<[number, number]>>) {
    const folder = t.testdir({})
    const runs = parts(folder, content, ranges)
    for (const { path } of runs) writeFileSync(path, 'bytes that nobody vouches for', { flag: 'a' })
    const glue = new Glue(content)
    for (const run of runs) glue.add(run)
    t.ok(readFileSync(await glue.finish()).equals(content.data), JSON.stringify(ranges))
  }
})

await t.test('pieces of zeros come in no part file', async (t) => {
  const size = 10 * MiB
  const data = Buffer.alloc(size)
  for (const piece of [0, 1, 4, 8]) data.fill('data', piece * MiB + 70_000, piece * MiB + 80_000)
  const zeros = new PieceSet(10)
  for (const piece of [2, 3, 5, 6, 7, 9]) zeros.add(piece)
  const orders: Array<Array<[number, number]>> = [[[0, 2], [4, 5], [8, 9]], [[8, 9], [4, 5], [0, 1], [1, 2]], [[0, 2], [4, 7], [6, 9]]]
  for (const ranges of orders) {
    const folder = t.testdir({})
    const told: number[][] = []
    const glue = new Glue({ size, pieceLength: MiB, digest: content.digest }, ({ firstPiece, endPiece }) => told.push([firstPiece, endPiece]), zeros)
    for (const [i, [firstPiece, endPiece]] of ranges.entries()) {
      const path = join(folder, `${firstPiece}-${i}.part`)
      writeFileSync(path, Buffer.concat([data.subarray(firstPiece * MiB, endPiece * MiB), Buffer.alloc(3 * MiB, 'bytes that nobody vouches for')]))
      glue.add({ firstPiece, endPiece, path })
    }
    const path = await glue.finish()
    t.ok(readFileSync(path).equals(data), JSON.stringify(ranges))
    t.strictSame(told.at(-1), [9, 10], 'it is told that they are there')
    // What came in the part that is the beginning stays as it came.
    t.ok(statSync(path).blocks * 512 < 3 * MiB, 'zeros that are copied take no room')
  }
})

await t.test('parts of many chunks', async (t) => {
  const size = 7 * MiB + 5
  const data = Buffer.alloc(size, 'a chunk is a MiB, and these are not as many bytes as a MiB has. ')
  const folder = t.testdir({})
  const runs = [[4, 8], [0, 1], [1, 4]].map(([firstPiece = 0, endPiece = 0]) => {
    const path = join(folder, `${firstPiece}-0.part`)
    writeFileSync(path, data.subarray(firstPiece * MiB, endPiece * MiB))
    return { firstPiece, endPiece, path }
  })
  const glue = new Glue({ size, pieceLength: MiB, digest: content.digest })
  for (const run of runs) glue.add(run)
  t.ok(readFileSync(await glue.finish()).equals(data))
})

await t.test('no room for a part twice: what is copied is cut off at once', async (t) => {
  const folder = t.testdir({})
  replaceRoom(t, 49)
  const runs = parts(folder, content, [[0, 3], [2, 9], [9, 10]])
  const [, long = ''] = runs.map(({ path }) => path)
  const told: string[] = []
  const bytesLeft: number[] = []
  const glue = new Glue(content, ({ firstPiece, endPiece, originPiece }) => {
    told.push(`${firstPiece}..${endPiece} from ${originPiece}`)
    if (existsSync(long)) bytesLeft.push(readFileSync(long).length)
  })
  for (const run of runs) glue.add(run)
  t.ok(readFileSync(await glue.finish()).equals(content.data))
  t.strictSame(told, ['8..9 from 0', '7..8 from 0', '6..7 from 0', '5..6 from 0', '4..5 from 0', '3..4 from 0', '3..9 from 0', '9..10 from 0'])
  t.strictSame(bytesLeft, [70, 60, 50, 40, 30, 20, 10], 'told before they go')
  t.equal(readdirSync(folder).length, 1)
})

await t.test('a piece that is missing is never papered over', async (t) => {
  for (const ranges of [[], [[1, 10]], [[0, 9]], [[0, 3], [4, 10]], [[0, 3], [3, 5], [6, 10]]] as Array<Array<[number, number]>>) {
    const folder = t.testdir({})
    const glue = new Glue(content)
    for (const run of parts(folder, content, ranges)) glue.add(run)
    await t.rejects(glue.finish(), { code: 'E_INTERNAL' }, JSON.stringify(ranges))
    await glue.close()
  }
})

await t.test('a part file that became shorter, or went, or is a link', async (t) => {
  const damages: Array<(path: string) => void> = [
    (path) => writeFileSync(path, 'x'),
    (path) => rmSync(path),
    (path) => {
      writeFileSync(`${path}.other`, piecesOf(content.data, 4, 8))
      rmSync(path)
      symlinkSync(`${path}.other`, path)
    },
  ]
  for (const damage of damages) {
    const folder = t.testdir({})
    const runs = parts(folder, content, [[0, 4], [4, 8], [8, 10]])
    damage(runs[1]?.path ?? '')
    const glue = new Glue(content)
    for (const run of runs) glue.add(run)
    await t.rejects(glue.finish(), { code: 'E_IO' })
    t.ok(glue.failure, 'and that is known')
    await glue.close()
    t.ok(existsSync(runs[0]?.path ?? ''), 'what is good is kept')
  }
})

await t.test('property: stopped at any moment, what is there can be taken up again', async (t) => {
  const base = await tempDir(t)
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10 })
  await fc.assert(fc.asyncProperty(order, fc.nat(9), fc.nat(20), async (pieces, added, turns) => {
    const hidden = await mkdtemp(join(base, 'hidden-'))
    const workspace = await Workspace.open(hidden, content, false)
    const glue = new Glue(content)
    for (const piece of pieces.slice(0, added)) {
      const path = workspace.newPartFile(piece)
      writeFileSync(path, piecesOf(content.data, piece, piece + 1))
      glue.add({ firstPiece: piece, endPiece: piece + 1, path })
    }
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => { setImmediate(resolve) })
    await glue.close()

    const next = await Workspace.open(hidden, content, false)
    const runs = await next.resume(content.pieces, async (task) => await Promise.resolve(digestPieces(task)))
    for (const { firstPiece, endPiece, path } of runs) {
      const bytes = piecesOf(content.data, firstPiece, endPiece)
      if (!readFileSync(path).subarray(0, bytes.length).equals(bytes)) return false
    }
    const kept = new Set(runs.flatMap(({ firstPiece, endPiece }) => Array.from({ length: endPiece - firstPiece }, (_, i) => firstPiece + i)))
    const lost = pieces.slice(0, added).filter((piece) => !kept.has(piece))

    const second = new Glue(content)
    for (const run of runs) second.add(run)
    for (const piece of pieces.filter((piece) => !kept.has(piece))) {
      const path = next.newPartFile(piece)
      writeFileSync(path, piecesOf(content.data, piece, piece + 1), { flag: 'wx' })
      second.add({ firstPiece: piece, endPiece: piece + 1, path })
    }
    const isWhole = readFileSync(await second.finish()).equals(content.data)
    await rm(hidden, { recursive: true })
    return isWhole && lost.length === 0
  }), { numRuns: 40 })
  t.pass('40 downloads')
})

await t.test('close: nothing more is touched, and it may be called twice', async (t) => {
  const folder = t.testdir({})
  const glue = new Glue(content)
  await glue.close()
  await t.resolves(glue.close())
  for (const run of parts(folder, content, [[0, 5], [5, 10]])) glue.add(run)
  await glue.close()
  t.strictSame(readdirSync(folder).sort(), ['0-0.part', '5-1.part'])
  await t.rejects(glue.finish(), { code: 'E_INTERNAL' })
})
