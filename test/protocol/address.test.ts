import t from 'tap'
import { formatAddress, isLoopback, isWildcard, plainAddress, withoutBrackets } from '../../lib/protocol/address.js'

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
