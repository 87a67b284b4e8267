import t from 'tap'
import { addressesOf, listenAddressesOf } from '../../lib/net/hosts.js'
import { isLoopback } from '../../lib/protocol/address.js'

await t.test('what people write, and the addresses that it stands for', async (t) => {
  const table: Array<[host: string, addresses: string[]]> = [
    ['127.0.0.1', ['127.0.0.1']],
    ['::1', ['::1']],
    ['[::1]', ['::1']],
    ['[fd00::1]', ['fd00::1']],
    ['0.0.0.0', ['0.0.0.0']],
    ['::', ['::']],
    ['[::]', ['::']],
    ['localhost', ['127.0.0.1', '::1']],
    ['LocalHost', ['127.0.0.1', '::1']],
  ]
  for (const [host, addresses] of table) {
    t.strictSame(await addressesOf(host), addresses, host)
    t.strictSame(await listenAddressesOf(host), addresses, host)
  }
  t.ok((await addressesOf('localhost')).every(isLoopback))
})

await t.test('a name that is nobody\'s is the user\'s slip, before anything is bound', async (t) => {
  for (const host of ['no-such-host.invalid', '[127.0.0.1]', '[x]', '']) {
    await t.rejects(listenAddressesOf(host), { code: 'E_USAGE', message: new RegExp(`^cannot listen on ${JSON.stringify(host).replace(/[[\].]/g, '\\$&')}: `) }, host)
  }
})

await t.test('one name is looked up once, however many ask', async (t) => {
  const [one, other] = await Promise.allSettled([addressesOf('no-such-host.invalid'), addressesOf('no-such-host.invalid')])
  t.equal(one.status, 'rejected')
  t.equal((one as PromiseRejectedResult).reason, (other as PromiseRejectedResult).reason)
})
