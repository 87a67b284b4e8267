import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toDiskError } from '../../lib/disk/disk-error.js'
import { dataIn, writeFullySync, writeSparseSync } from '../../lib/disk/write-fully.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { KiB, MiB } from '../../lib/protocol/units.js'

await t.test('all of the bytes, where they belong', async (t) => {
  const path = join(t.testdir({ file: '..........' }), 'file')
  const fd = openSync(path, 'r+')
  writeFullySync(fd, Buffer.from('abc'), 4)
  writeFullySync(fd, Buffer.alloc(0), 0)
  closeSync(fd)
  t.equal(readFileSync(path, 'utf8'), '....abc...')
})

await t.test('what there is to write: all but blocks of zeros, as they lie in the file', async (t) => {
  const bytes = Buffer.alloc(256 * KiB)
  const found = (position: number): number[][] => [...dataIn(bytes, position)].map(({ start, end }) => [start, end])
  t.strictSame(found(0), [])
  t.strictSame([...dataIn(Buffer.alloc(0), 5)], [])
  bytes[130 * KiB] = 1
  t.strictSame(found(0), [[128 * KiB, 192 * KiB]])
  t.strictSame(found(1 * KiB), [[127 * KiB, 191 * KiB]])
  bytes[0] = 1
  t.strictSame(found(63 * KiB), [[0, 1 * KiB], [129 * KiB, 193 * KiB]], 'a block may begin before')
  bytes[64 * KiB] = 1
  t.strictSame(found(0), [[0, 192 * KiB]], 'blocks that follow one another are one write')
  bytes[255 * KiB] = 1
  t.strictSame(found(0), [[0, 256 * KiB]])
})

await t.test('a file that is written so has the same bytes, wherever it was cut into chunks', async (t) => {
  const data = Buffer.alloc(MiB + 10_000)
  data.fill('data', 200_000, 210_000)
  data.fill('more', 700_000, 700_001)
  for (const chunk of [data.length, 100_000, 64 * KiB, 7_777]) {
    const path = join(t.testdir({}), 'sparse')
    const fd = openSync(path, 'w')
    for (let at = 0; at < data.length; at += chunk) {
      writeSparseSync(fd, data.subarray(at, at + chunk), at)
      t.equal(fstatSync(fd).size, Math.min(data.length, at + chunk), 'it is as long as if all had been written')
    }
    const { blocks } = fstatSync(fd)
    closeSync(fd)
    t.ok(readFileSync(path).equals(data), `in chunks of ${chunk}`)
    t.ok(blocks * 512 <= 3 * 64 * KiB, `${blocks} blocks`)
  }
})

await t.test('a file that is longer stays so: others write to it as well', async (t) => {
  const path = join(t.testdir({ file: '..........' }), 'file')
  const fd = openSync(path, 'r+')
  writeSparseSync(fd, Buffer.from('a\0b\0\0'), 2)
  writeSparseSync(fd, Buffer.alloc(3), 3)
  closeSync(fd)
  t.equal(readFileSync(path, 'utf8'), '..a\0b\0\0...', 'and zeros that stay a hole leave what was there')
})

await t.test('a disk that is full', { skip: !existsSync('/dev/full') && 'there is no /dev/full here' }, async (t) => {
  const fd = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(fd))
  t.throws(() => writeFullySync(fd, Buffer.from('abc'), 0), { code: 'E_DISK_FULL' })
})

await t.test('a file that can\'t be written', async (t) => {
  const fd = openSync(join(t.testdir({ file: '' }), 'file'), 'r')
  t.teardown(() => closeSync(fd))
  t.throws(() => writeFullySync(fd, Buffer.from('abc'), 0), { code: 'E_IO', message: /cannot write: / })
})

await t.test('what the system says, in the contract\'s words', async (t) => {
  const table: Array<[system: string, code: string]> = [
    ['ENOSPC', 'E_DISK_FULL'], ['EDQUOT', 'E_DISK_FULL'], ['EIO', 'E_IO'], ['EROFS', 'E_IO'], ['EACCES', 'E_IO'], ['EFBIG', 'E_IO'], ['ENOENT', 'E_IO'],
    ['EMFILE', 'E_LIMIT'], ['ENFILE', 'E_LIMIT'],
  ]
  for (const [system, code] of table) {
    const cause = Object.assign(new Error(`${system}: no`), { code: system })
    t.match(toDiskError(cause, 'cannot do it'), { code, message: /^cannot do it: /, cause }, system)
  }
  const own = new PiecemealError('E_EXISTS', 'there')
  t.equal(toDiskError(own, 'cannot do it'), own)
  t.match(toDiskError('text', 'cannot do it'), { code: 'E_IO', message: 'cannot do it: text' })
})
