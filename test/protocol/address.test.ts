import t from 'tap'
import { formatAddress, formatAdvertised, isLoopback, isNobodys, isWildcard, parseAdvertised, plainAddress, withoutBrackets, type AdvertisedAddress } from '../../lib/protocol/address.js'

await t.test('an IPv6 host stands in brackets, so that its port can be told apart', async (t) => {
  t.equal(formatAddress({ host: '127.0.0.1', port: 12_340 }), '127.0.0.1:12340')
  t.equal(formatAddress({ host: '::1', port: 1 }), '[::1]:1')
  t.equal(formatAddress({ host: 'localhost', port: 65_535 }), 'localhost:65535')
})

await t.test('an IPv4 peer of an IPv6 socket is an IPv4 peer', async (t) => {
  const table: Array<[string, string]> = [
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['::ffff:dead:beef', '::ffff:dead:beef'],
    ['', ''],
  ]
  for (const [address, plain] of table) t.equal(plainAddress(address), plain, address)
})

await t.test('brackets belong to how an address is written', async (t) => {
  const table: Array<[host: string, plain: string]> = [
    ['[::1]', '::1'], ['[fd00::1]', 'fd00::1'], ['::1', '::1'], ['lab-7', 'lab-7'], ['[lab-7]', '[lab-7]'], ['[127.0.0.1]', '[127.0.0.1]'], ['[', '['], ['[]', '[]'],
  ]
  for (const [host, plain] of table) t.equal(withoutBrackets(host), plain, host)
})

await t.test('loopback and wildcard', async (t) => {
  const table: Array<[host: string, loopback: boolean, wildcard: boolean]> = [
    ['127.0.0.1', true, false],
    ['127.9.9.9', true, false],
    ['::1', true, false],
    ['[::1]', true, false],
    ['::ffff:127.0.0.1', true, false],
    ['[::2]', false, false],
    ['[127.0.0.1]', false, false],
    ['localhost', true, false],
    ['0.0.0.0', false, true],
    ['::', false, true],
    ['192.168.0.1', false, false],
    ['127.evil.example', false, false],
  ]
  for (const [host, loopback, wildcard] of table) {
    t.equal(isLoopback(host), loopback, host)
    t.equal(isWildcard(host), wildcard, host)
  }
})

await t.test('where others are said to reach a node', async (t) => {
  const table: Array<[text: string, parsed: object | undefined]> = [
    ['lab-7', { host: 'lab-7' }],
    ['10.1.2.3', { host: '10.1.2.3' }],
    ['fd00::1', { host: 'fd00::1' }],
    ['[fd00::1]', { host: 'fd00::1' }],
    ['lab-7:1:2', { host: 'lab-7', inputPort: 1, outputPort: 2 }],
    ['10.1.2.3:8082:9092', { host: '10.1.2.3', inputPort: 8_082, outputPort: 9_092 }],
    ['[fd00::1]:1:65535', { host: 'fd00::1', inputPort: 1, outputPort: 65_535 }],
    ['', undefined], ['lab-7:1', undefined], ['lab-7:0:1', undefined], ['lab-7:1:65536', undefined], ['lab-7:1:2:3', undefined], ['[lab-7]:1:2', undefined], [':1:2', undefined], ['x'.repeat(254), undefined],
  ]
  for (const [text, parsed] of table) {
    t.strictSame(parseAdvertised(text), parsed, text)
    if (parsed) t.strictSame(parseAdvertised(formatAdvertised(parsed as AdvertisedAddress)), parsed)
  }
})

await t.test('addresses where nobody can be listed', async (t) => {
  for (const address of ['0.0.0.0', '0.1.2.3', '169.254.1.1', '224.0.0.1', '239.255.255.255', '255.255.255.255', '::', 'fe80::1', 'ff02::1', '', 'lab-7']) t.ok(isNobodys(address), address)
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '8.8.8.8', '::1', 'fd00::1', '2001:db8::1']) t.notOk(isNobodys(address), address)
})
