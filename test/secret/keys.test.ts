import { hkdfSync } from 'node:crypto'
import t from 'tap'
import { credentialsFor, deriveKeys } from '../../lib/secret/keys.js'

const TEXT = Buffer.from('correct horse battery staple')

await t.test('the keys are those of HKDF, and no two are the same', async (t) => {
  const keys = deriveKeys(TEXT)
  for (const info of ['control', 'data', 'names'] as const) {
    t.strictSame(Buffer.from(keys[info]), Buffer.from(hkdfSync('sha256', TEXT, 'piecemeal/1', info, 32)), info)
  }
  const all = [keys.control, keys.data, keys.names].map((key) => Buffer.from(key).toString('hex'))
  t.equal(new Set(all).size, 3)
  t.match(keys.id, /^[0-9a-f]{16}$/)
  t.notOk(all.some((hex) => hex.includes(keys.id)), 'what goes in the clear is no part of a key')
})

await t.test('the same secret gives the same keys, another gives others', async (t) => {
  t.strictSame(deriveKeys(TEXT), deriveKeys(Buffer.from(TEXT)))
  const other = deriveKeys(Buffer.from('correct horse battery staplf'))
  for (const name of ['id', 'control', 'data', 'names'] as const) t.notSame(other[name], deriveKeys(TEXT)[name], name)
})

await t.test('a connection is given the keys that it needs, the newest first', async (t) => {
  const [current, old] = [deriveKeys(TEXT), deriveKeys(Buffer.from('what it was before'))]
  t.strictSame(credentialsFor('control', { current }), { purpose: 'control', keys: [{ id: current.id, psk: current.control, names: current.names }] })
  t.strictSame(credentialsFor('data', { current, old }).keys.map(({ id, psk }) => [id, psk]), [[current.id, current.data], [old.id, old.data]])
  t.notOk(JSON.stringify(credentialsFor('data', { current })).includes(JSON.stringify(current.control)))
  t.strictSame(structuredClone(credentialsFor('data', { current })).keys[0]?.psk, new Uint8Array(current.data), 'they cross to threads')
})
