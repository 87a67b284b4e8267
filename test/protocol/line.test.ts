import fc from 'fast-check'
import t from 'tap'
import { decodeLine, decodeLineBytes, encodeLine } from '../../lib/protocol/line.js'

function nested (depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

await t.test('a line that is one JSON object', async (t) => {
  t.strictSame(decodeLine('{}'), {})
  t.strictSame(decodeLine('{"a":[1,{"b":null}]}\r'), { a: [1, { b: null }] }, 'a \\r before the end is tolerated')
  t.strictSame(decodeLineBytes(Buffer.from('{"name":"é😀"}')), { name: 'é😀' })
})

await t.test('lines that are none', async (t) => {
  const lines = [
    '', ' ', 'null', 'true', '5', '"text"', '[]', '[{}]', '{', '}', '{"a":1', '{"a":NaN}', '{"a":Infinity}', '{\'a\':1}', '{"a":1,}', '{}{}', '{} x',
    'GET / HTTP/1.1', '\u0016\u0003\u0001', '\ufeff{}', '{"a":"\u0001"}', '{"a":01}',
  ]
  for (const line of lines) t.throws(() => decodeLine(line), { code: 'E_PROTOCOL' }, JSON.stringify(line))
})

await t.test('eight levels are one message, nine are a limit', async (t) => {
  t.doesNotThrow(() => decodeLine(nested(8)))
  t.throws(() => decodeLine(nested(9)), { code: 'E_LIMIT' })
  t.throws(() => decodeLine(`{"a":${'['.repeat(8)}`), { code: 'E_LIMIT' })
  t.throws(() => decodeLine('['.repeat(200_000)), { code: 'E_LIMIT' })
  t.throws(() => decodeLine('{"":'.repeat(200_000)), { code: 'E_LIMIT' })
})

await t.test('brackets within strings are text', async (t) => {
  const filename = '[[[[[[[[[[{{{{{{{{{{'
  t.strictSame(decodeLine(JSON.stringify({ filename })), { filename })
  t.strictSame(decodeLine('{"a":"\\"[[[[[[[[[[","b":"\\\\"}'), { a: '"[[[[[[[[[[', b: '\\' })
  t.throws(() => decodeLine('{"a":"\\\\","b":[[[[[[[[[]]]]]]]]]}'), { code: 'E_LIMIT' }, 'an escaped backslash does not hide the end of a string')
})

await t.test('bytes that are no UTF-8', async (t) => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0xaf]]) {
    const line = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
    t.throws(() => decodeLineBytes(line), { code: 'E_PROTOCOL' }, line.toString('hex'))
  }
})

await t.test('property: what is encoded is one line, and decodes to the same', async (t) => {
  const value = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), { maxKeys: 5 })
  fc.assert(fc.property(value, (message) => {
    const line = encodeLine(message)
    return line.indexOf('\n') === line.length - 1 && JSON.stringify(decodeLine(line.slice(0, -1))) === JSON.stringify(message)
  }), { numRuns: 100 })
  t.pass('100 messages')
})
