import t from 'tap'
import { decodeHost, encodeHost, encodeOwner, OwnerReader } from '../../lib/registry/owner-text.js'
import { record } from '../tracker/registry-conformance.js'

await t.test('addresses are short, and come back as they were', async (t) => {
  for (const host of ['127.0.0.1', '0.0.0.0', '255.255.255.255', '10.79.0.1', '::1', '::', '2001:db8::1', 'fd00:1:2:3:4:5:6:7', '1:0:0:2::3', '::ffff:102:304']) {
    t.equal(decodeHost(encodeHost(host)), host)
    t.ok(encodeHost(host).length <= 22, host)
  }
  t.equal(decodeHost(encodeHost('::ffff:1.2.3.4')), '::ffff:102:304', 'the same address')
  t.equal(decodeHost(encodeHost('fe80::1%eth0')), 'fe80::1%eth0')
})

await t.test('an owner in less than 64 bytes', async (t) => {
  const holder = 'mi1234567abcd zzzz'
  const reader = new OwnerReader()
  for (const more of [{}, { httpPort: 65_535 }, { executable: true }, { origin: true }, { executable: true, origin: true }, { host: '2001:db8:1:2:3:4:5:6', httpPort: 65_535 }]) {
    const text = `${encodeOwner(holder, record('a', { inputPort: 65_535, outputPort: 1, ...more }))} 1`
    t.ok(text.length < 64, `${text.length} bytes`)
    const { executable, httpPort, host = '127.0.0.1' } = more as { executable?: boolean, httpPort?: number, host?: string }
    t.strictSame(reader.read(`A\n${text}`), [{
      token: 'mi1234567abcd',
      owner: { name: 'A', host, inputPort: 65_535, outputPort: 1, complete: true, ...(executable && { executable }), ...(httpPort && { httpPort }) },
    }])
    const [first, second, third] = reader.read(`one\nA\n${text}\nA\n${text}\n\nA\n${text}`, 'one\n'.length)
    t.equal(first, second, 'the same each time')
    t.equal(third?.owner.complete, false)
    t.match(reader.read(`\n\nA\n${text}`), [{ owner: { complete: false } }])
    t.strictSame(reader.read('\n'), [])
  }
})
