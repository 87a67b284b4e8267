import t from 'tap'
import * as check from '../../lib/protocol/check.js'

await t.test('only own, declared fields are taken', async (t) => {
  const shape = { name: check.string, toString: check.optional(check.string), constructor: check.optional(check.string) }
  t.strictSame(check.checkShape(shape, { name: 'a', other: 1 }), { name: 'a' })
  t.throws(() => check.checkShape(shape, Object.create({ name: 'inherited' })), { code: 'E_PROTOCOL', message: /"name"/ })
  t.throws(() => check.checkShape(shape, { name: 'a', constructor: 5 }), { code: 'E_PROTOCOL', message: /"constructor"/ })
  for (const value of [null, undefined, 5, 'x', true, [], [{ name: 'a' }]]) t.throws(() => check.checkShape(shape, value), { code: 'E_PROTOCOL' })
})

await t.test('whole numbers', async (t) => {
  const port = check.integer(1, 65_535)
  for (const value of [1, 65_535]) t.equal(port(value, 'port'), value)
  for (const value of [0, 65_536, -1, 1.5, NaN, Infinity, '1', null, undefined, 1n, [1], { valueOf: () => 1 }]) {
    t.throws(() => port(value, 'port'), { code: 'E_PROTOCOL', message: /"port".*1 to 65535/ })
  }
  t.equal(check.bytes(Number.MAX_SAFE_INTEGER, 'size'), Number.MAX_SAFE_INTEGER)
  t.throws(() => check.bytes(2 ** 53, 'size'), { code: 'E_PROTOCOL' })
})

await t.test('arrays, objects in them, and what may be left out', async (t) => {
  const list = check.array(check.object({ n: check.integer(0, 9), s: check.optional(check.string) }), 2)
  t.strictSame(list([{ n: 1, x: 2 }, { n: 2, s: 'x' }], 'list'), [{ n: 1 }, { n: 2, s: 'x' }])
  t.strictSame(list([], 'list'), [])
  for (const value of [null, {}, 'ab', [{ n: 1 }, { n: 1 }, { n: 1 }], [{ n: 10 }], [null], [{ n: 1, s: null }]]) {
    t.throws(() => list(value, 'list'), { code: 'E_PROTOCOL' }, JSON.stringify(value))
  }
})

await t.test('base64 of exactly what it stands for', async (t) => {
  for (const bytes of [[], [0], [0, 255], [1, 2, 3], [250, 251, 252, 253]]) {
    t.strictSame(check.base64(Buffer.from(bytes).toString('base64'), 'pieces'), Buffer.from(bytes))
  }
  for (const text of ['A', 'AB', 'AB=', 'AA=A', 'AB==', 'A A=', 'AA==\n', '-_-_', '====', 'AAAA=']) {
    t.throws(() => check.base64(text, 'pieces'), { code: 'E_PROTOCOL', message: /"pieces"/ }, JSON.stringify(text))
  }
})
