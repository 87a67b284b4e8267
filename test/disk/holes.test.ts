import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { Holes } from '../../lib/disk/holes.js'
import { MiB } from '../../lib/protocol/units.js'

/** A file of six pieces with data in the second and the last, and zeros that were written in the fifth. */
const DATA = Buffer.alloc(5 * MiB + 100)
DATA.fill('data', 1.5 * MiB, 1.5 * MiB + 10)
DATA.fill('more', 5 * MiB)

function sparseFile (t: Pick<Test, 'testdir' | 'teardown'>, isWritten = false): number {
  const fd = openSync(join(t.testdir({}), 'sparse'), 'w+')
  t.teardown(() => closeSync(fd))
  ftruncateSync(fd, DATA.length)
  for (const [start, end] of isWritten ? [[0, DATA.length]] : [[1.5 * MiB, 1.5 * MiB + 10], [4 * MiB, DATA.length]]) writeSync(fd, DATA, start, (end ?? 0) - (start ?? 0), start)
  fsyncSync(fd)
  return fd
}

const hasHoles = ((): boolean => {
  const fd = openSync(join(t.testdir({}), 'probe'), 'w')
  ftruncateSync(fd, MiB)
  const { blocks } = fstatSync(fd)
  closeSync(fd)
  return blocks === 0
})()

await t.test('where a file has holes', { skip: !hasHoles && 'there are none here' }, async (t) => {
  const holes = Holes.of(sparseFile(t))
  t.teardown(() => holes?.close())
  const looks = ([[0, 1], [1, 2], [2, 3], [2, 4], [1, 4], [5, 6]] as const).map(([first, end]) => holes?.has(first * MiB, Math.min(DATA.length, end * MiB)))
  t.strictSame(looks, [true, false, true, true, false, false])
  t.equal(holes?.has(0, 1.5 * MiB), true)
  t.equal(holes?.has(0, 1.5 * MiB + 1), false, 'up to the first byte')
  t.equal(holes?.has(2 * MiB, DATA.length + MiB), false, 'behind its end there is nothing')
})

await t.test('a file without', async (t) => {
  t.equal(Holes.of(sparseFile(t, true)), undefined)
})

await t.test('the digests are those of the bytes, wherever there are holes', async (t) => {
  const { pieces, ...content } = contentOf(DATA)
  for (const isWritten of [false, true]) t.strictSame(digestPieces({ ...content, fd: sparseFile(t, isWritten), offset: 0, firstPiece: 0, endPiece: 6 }), pieces)
  const fd = sparseFile(t)
  t.throws(() => digestPieces({ size: 9 * MiB, pieceLength: MiB, fd, offset: 0, firstPiece: 4, endPiece: 8 }), { code: 'E_CHANGED' }, 'a file that became shorter')
  t.strictSame(digestPieces({ ...content, fd, offset: -MiB, firstPiece: 1, endPiece: 2 }), pieces.subarray(0, 32), 'a part file')
})
