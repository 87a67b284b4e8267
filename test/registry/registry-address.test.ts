import t from 'tap'
import { assertRegistryNotExposed, parseRegistryAddress, parseRegistryPrefix } from '../../lib/registry/registry-address.js'

const parse = (url: string, mayHavePassword = true): ReturnType<typeof parseRegistryAddress> => parseRegistryAddress(url, { mayHavePassword })

await t.test('where a registry may be', async (t) => {
  const table: Array<[url: string, expected: object]> = [
    ['redis://10.0.0.1:7000/3', { kind: 'alone', hosts: [{ host: '10.0.0.1', port: 7_000 }], db: 3, tls: false, text: 'redis://10.0.0.1:7000/3' }],
    ['redis://redis.lab', { kind: 'alone', hosts: [{ host: 'redis.lab', port: 6_379 }], db: 0, tls: false, text: 'redis://redis.lab' }],
    ['rediss://[::1]:1', { kind: 'alone', hosts: [{ host: '::1', port: 1 }], db: 0, tls: true, text: 'rediss://[::1]:1' }],
    ['redis://me:p%40ss@h:1', { kind: 'alone', hosts: [{ host: 'h', port: 1 }], db: 0, tls: false, username: 'me', password: 'p@ss', text: 'redis://h:1' }],
    ['redis://secret@h', { kind: 'alone', hosts: [{ host: 'h', port: 6_379 }], db: 0, tls: false, password: 'secret', text: 'redis://h' }],
    ['redis+sentinel://a:1,b/main/2', { kind: 'sentinel', hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 26_379 }], master: 'main', db: 2, tls: false, text: 'redis+sentinel://a:1,b/main/2' }],
    ['rediss+cluster://a:1,b:2', { kind: 'cluster', hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }], db: 0, tls: true, text: 'rediss+cluster://a:1,b:2' }],
    ['unix:/run/redis.sock', { kind: 'unix', hosts: [], path: '/run/redis.sock', db: 0, tls: false, text: 'unix:/run/redis.sock' }],
  ]
  for (const [url, expected] of table) t.strictSame(parse(url), expected, url)
})

await t.test('where it may not', async (t) => {
  for (const url of ['', 'http://h', 'redis://', 'redis://h:0', 'redis://h:65536', 'redis://h/x', 'redis://h/1/2', 'redis://a,b', 'redis+sentinel://a', 'redis+cluster://a/1', 'unix:redis.sock', 'redis://a b', 'redis://%zz@h']) {
    t.throws(() => parse(url), { code: 'E_USAGE' }, url)
  }
  t.throws(() => parse('redis://:geheim@h', false), { code: 'E_USAGE', message: /password/ })
  try { parse('redis://:geheim@h', false) } catch (error) { t.notMatch(String(error), 'geheim') }
  for (const prefix of ['', 'A', 'a:b', 'x'.repeat(17), '{a}']) t.throws(() => parseRegistryPrefix(prefix), { code: 'E_USAGE' }, prefix)
  t.equal(parseRegistryPrefix('lab-2'), 'lab-2')
})

await t.test('beyond this machine it takes TLS and a password, or that somebody means it', async (t) => {
  for (const url of ['redis://10.0.0.1', 'rediss://10.0.0.1', 'redis://x@10.0.0.1', 'redis+cluster://127.0.0.1,10.0.0.1']) {
    t.throws(() => assertRegistryNotExposed(parse(url), false), { code: 'E_AUTH' }, url)
    assertRegistryNotExposed(parse(url), true)
  }
  for (const url of ['redis://127.0.0.1', 'redis://localhost', 'unix:/x', 'rediss://x@10.0.0.1']) assertRegistryNotExposed(parse(url), false)
})
