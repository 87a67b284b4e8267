import t from 'tap'
import {
  ConflictError, EXIT_STATUS, isErrorCode, PiecemealError, systemCode, toErrorData, toPiecemealError,
} from '../../lib/protocol/errors.js'

await t.test('codes and exit statuses are those of the contract, no more and no fewer', async (t) => {
  t.strictSame({ ...EXIT_STATUS }, {
    E_USAGE: 2,
    E_NO_OWNER: 3,
    E_NOT_SHARED: 4,
    E_DIGEST: 8,
    E_CONFLICT: 9,
    E_NETWORK: 10,
    E_IO: 11,
    E_PROTOCOL: 12,
    E_EXISTS: 13,
    E_IN_PROGRESS: 15,
    E_NAME: 16,
    E_FORBIDDEN: 17,
    E_PORT: 18,
    E_BUSY: 19,
    E_INTERRUPTED: 20,
    E_WORKER: 21,
    E_AUTH: 22,
    E_LIMIT: 23,
    E_CHANGED: 24,
    E_NAME_TAKEN: 25,
    E_DISK_FULL: 28,
    E_TIMEOUT: 30,
    E_TRACKER: 35,
    E_REGISTRY: 36,
    E_INTERNAL: 1,
  })
})

await t.test('only a code of the contract is one', async (t) => {
  t.ok(isErrorCode('E_BUSY'))
  for (const other of ['E_MADE_UP', '', 'constructor', '__proto__', 'toString', 19, null, undefined, ['E_BUSY']]) {
    t.notOk(isErrorCode(other), JSON.stringify(other))
  }
})

await t.test('an error knows its exit status, its cause, and whether its connection can go on', async (t) => {
  const cause = new Error('why')
  const error = new PiecemealError('E_NO_OWNER', 'nobody', { cause })
  t.equal(error.exitStatus, 3)
  t.equal(error.cause, cause)
  t.equal(error.endsConnection, false)
  t.equal(new PiecemealError('E_PROTOCOL', 'what?').endsConnection, true)
  t.equal(new PiecemealError('E_NAME', 'what?', { endsConnection: true }).endsConnection, true)
  const versions = [{ digest: `blake3:${'0'.repeat(64)}`, size: 1, owners: 2 }]
  t.match(new ConflictError('two', versions), { code: 'E_CONFLICT', exitStatus: 9, versions })
})

await t.test('whatever is thrown becomes an error of the contract', async (t) => {
  const own = new PiecemealError('E_BUSY', 'later')
  t.equal(toPiecemealError(own), own)
  const foreign = new TypeError('x is not a function')
  t.match(toPiecemealError(foreign), { code: 'E_INTERNAL', message: 'x is not a function', cause: foreign })
  t.match(toPiecemealError('text'), { code: 'E_INTERNAL', message: 'text' })
  t.match(toPiecemealError(undefined), { code: 'E_INTERNAL' })
})

await t.test('a peer is told nothing about what is only ours', async (t) => {
  t.strictSame(toErrorData(new PiecemealError('E_BUSY', 'later')), { code: 'E_BUSY', message: 'later' })
  for (const secret of [new Error('/home/me/secret'), new PiecemealError('E_INTERNAL', '/home/me/secret'), '/home/me/secret']) {
    const data = toErrorData(secret)
    t.equal(data.code, 'E_INTERNAL')
    t.notMatch(data.message, /secret/)
  }
})

await t.test('the code of a system error', async (t) => {
  t.equal(systemCode(Object.assign(new Error('no'), { code: 'ENOENT' })), 'ENOENT')
  t.equal(systemCode(new Error('no')), undefined)
  t.equal(systemCode(Object.assign(new Error('no'), { code: 5 })), undefined)
  t.equal(systemCode({ code: 'ENOENT' }), undefined)
})
