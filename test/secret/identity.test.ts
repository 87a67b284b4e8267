import t from 'tap'
import { makeIdentity, readIdentity } from '../../lib/secret/identity.js'
import { credentialsFor, deriveKeys, type ConnectionKey } from '../../lib/secret/keys.js'

const NEW = deriveKeys(Buffer.from('the secret of this network'))
const OLD = deriveKeys(Buffer.from('the secret it had before'))
const control = credentialsFor('control', { current: NEW, old: OLD })
const data = credentialsFor('data', { current: NEW })
const [newKey, oldKey] = control.keys as [ConnectionKey, ConnectionKey]

await t.test('it tells the key and the name to whoever has the secret', async (t) => {
  for (const name of ['NodeA', 'a', 'x'.repeat(64)]) {
    const identity = makeIdentity('control', newKey, name)
    t.strictSame(readIdentity(identity, control), { key: newKey, name })
    t.ok(Buffer.byteLength(identity) <= 256, 'OpenSSL takes no more')
    t.match(identity, /^[\x20-\x7e]+$/)
  }
  t.strictSame(readIdentity(makeIdentity('control', oldKey, 'NodeA'), control), { key: oldKey, name: 'NodeA' })
})

await t.test('it tells nobody else the name, nor that it is the same one again', async (t) => {
  const [one, other] = [makeIdentity('control', newKey, 'NodeA'), makeIdentity('control', newKey, 'NodeA')]
  t.not(one, other)
  for (const identity of [one, other]) {
    t.notOk(identity.includes('NodeA'))
    t.notOk(Buffer.from(identity.split(' ')[3] ?? '', 'base64url').includes('NodeA'))
  }
})

await t.test('an identity that is none of ours', async (t) => {
  const good = makeIdentity('control', newKey, 'NodeA')
  const [head = '', purpose = '', id = '', sealed = ''] = good.split(' ')
  const bytes = Buffer.from(sealed, 'base64url')
  const flipped = (at: number): string => Buffer.from(bytes.map((byte, i) => i === at ? byte ^ 1 : byte)).toString('base64url')
  t.ok(readIdentity(good, control))
  const table: Array<[what: string, identity: string]> = [
    ['empty', ''],
    ['garbage', 'x'.repeat(200)],
    ['another protocol', `piecemeal/2 ${purpose} ${id} ${sealed}`],
    ['for file data', `${head} data ${id} ${sealed}`],
    ['an unknown key', `${head} ${purpose} ${'0'.repeat(16)} ${sealed}`],
    ['the key of another secret', `${head} ${purpose} ${oldKey.id} ${sealed}`],
    ['__proto__ as a key', `${head} ${purpose} __proto__ ${sealed}`],
    ['no name', `${head} ${purpose} ${id} `],
    ['too short a name', `${head} ${purpose} ${id} ${bytes.subarray(0, 28).toString('base64url')}`],
    ['another nonce', `${head} ${purpose} ${id} ${flipped(0)}`],
    ['another name', `${head} ${purpose} ${id} ${flipped(12)}`],
    ['another tag', `${head} ${purpose} ${id} ${flipped(bytes.length - 1)}`],
    ['something after it', `${good} x`],
    ['a name that is none', makeIdentity('control', newKey, '../x')],
    ['made by another secret that claims to be this one', makeIdentity('control', { ...oldKey, id }, 'NodeA')],
  ]
  for (const [what, identity] of table) t.equal(readIdentity(identity, control), undefined, what)
  t.equal(readIdentity(good, data), undefined, 'one for messages at the port for data')
})
