import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toDiskError } from '../../lib/disk/disk-error.js'
import { writeFullySync } from '../../lib/disk/write-fully.js'
import { PiecemealError } from '../../lib/protocol/errors.js'

await t.test('all of the bytes, where they belong', async (t) => {
  const path = join(t.testdir({ file: '..........' }), 'file')
  const fd = openSync(path, 'r+')
  writeFullySync(fd, Buffer.from('abc'), 4)
  writeFullySync(fd, Buffer.alloc(0), 0)
  closeSync(fd)
  t.equal(readFileSync(path, 'utf8'), '....abc...')
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
