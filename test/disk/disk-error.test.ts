import { constants } from 'node:os'
import t from 'tap'
import { toDiskError } from '../../lib/disk/disk-error.js'
import { PiecemealError } from '../../lib/protocol/errors.js'

await t.test('each kind says what is missing', async (t) => {
  const table: Array<[code: string, wanted: object]> = [
    ['ENOSPC', { code: 'E_DISK_FULL', message: 'cannot write: no room on the disk' }],
    // Node has no name for it.
    ['EDQUOT', { code: 'E_DISK_FULL', message: /quota/ }],
    ['EFBIG', { code: 'E_IO', message: /largest file/ }],
    ['EMFILE', { code: 'E_LIMIT' }],
    ['EIO', { code: 'E_IO', message: /^cannot write: / }],
  ]
  for (const [name, wanted] of table) {
    const errno = constants.errno[name as keyof typeof constants.errno]
    const code = name === 'EDQUOT' ? `Unknown system error -${errno}` : name
    t.match(toDiskError(Object.assign(new Error('injected'), { errno: -errno, code }), 'cannot write'), wanted, name)
  }
  const ours = new PiecemealError('E_CHANGED', 'as it was')
  t.equal(toDiskError(ours, 'cannot write'), ours)
})

await t.test('whatever was thrown', async (t) => {
  t.match(toDiskError('a string', 'cannot write'), { code: 'E_IO', message: 'cannot write: a string' })
  t.match(toDiskError(Object.assign(new Error('full'), { code: 'ENOSPC', path: '/nowhere/at/all' }), 'cannot make it'), { code: 'E_DISK_FULL' })
})
