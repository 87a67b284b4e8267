/** What strangers send to an HTTP port: each is answered or cut off, and the port answers others meanwhile. */
import { once } from 'node:events'
import t from 'tap'
import { HTTP_BODY_BYTES, HTTP_CONNECTIONS, HTTP_HEADER_BYTES } from '../../lib/protocol/limits.js'
import { Peer } from '../net/peer.js'
import { SECRET, served } from './served.js'

const HOST = 'Host: localhost\r\n'
const END = 'Connection: close\r\n\r\n'

await t.test('a table of requests', async (t) => {
  const { raw, ask } = await served(t, { secret: SECRET })
  const table: Array<[what: string, bytes: string, status: RegExp]> = [
    ['no HTTP', 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['TLS to a plain port', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', /^HTTP\/1\.1 400 /],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no host, of an old client', 'GET / HTTP/1.0\r\n\r\n', /^HTTP\/1\.1 421 /],
    ['two hosts', `GET / HTTP/1.1\r\n${HOST}Host: evil.com\r\n${END}`, /^HTTP\/1\.1 (?:400|401|421) /],
    ['a whole URL', `GET http://evil.com/ HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a tunnel', `CONNECT evil.com:443 HTTP/1.1\r\n${HOST}${END}`, /^$|^HTTP\/1\.1 4/],
    ['another protocol', `GET / HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n`, /^HTTP\/1\.1 401 /],
    ['two lengths', `POST /login HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n${END}abcd`, /^HTTP\/1\.1 400 /],
    ['a length and chunks', `POST /login HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n${END}0\r\n\r\nGET /`, /^HTTP\/1\.1 400 /],
    ['chunks in disguise', `POST /login HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n${END}0\r\n\r\n`, /^HTTP\/1\.1 4/],
    ['a header within a header', `GET / HTTP/1.1\r\n${HOST}X: a\nY: b\r\n${END}`, /^HTTP\/1\.1 4/],
    ['a line folded', `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n${END}`, /^HTTP\/1\.1 4/],
    ['a blank before the colon', `GET / HTTP/1.1\r\n${HOST}Content-Length : 3\r\n${END}abc`, /^HTTP\/1\.1 400 /],
    ['a bomb of headers', `GET / HTTP/1.1\r\n${HOST}${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(HTTP_HEADER_BYTES / 1_000 + 1)}${END}`, /^HTTP\/1\.1 431 /],
    ['very many headers', `GET / HTTP/1.1\r\n${HOST}${'X: 1\r\n'.repeat(200)}${END}`, /^HTTP\/1\.1 431 /],
    ['a long URL', `GET /${'a'.repeat(HTTP_HEADER_BYTES)} HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 431 /],
    ['half a character', `GET /files/%ff HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a broken escape', `GET /files/%zz HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a way up', `GET /assets/../../../etc/passwd HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a way up, escaped', `GET /assets/%2e%2e%2f%2e%2e%2fpackage.json HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a way up, escaped twice', `GET /assets/%252e%252e%252fpackage.json HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['a way up, with backslashes', `GET /assets/..\\..\\package.json HTTP/1.1\r\n${HOST}${END}`, /^HTTP\/1\.1 4\d\d /],
    ['too long a form', `POST /login HTTP/1.1\r\n${HOST}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${HTTP_BODY_BYTES + 1}\r\n${END}${'a'.repeat(HTTP_BODY_BYTES + 1)}`, /^HTTP\/1\.1 413 /],
    ['a form of another kind', `POST /login HTTP/1.1\r\n${HOST}Content-Type: text/xml\r\nContent-Length: 1\r\n${END}a`, /^HTTP\/1\.1 415 /],
    ['JSON that reaches for prototypes', `POST /login HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 28\r\n${END}{"__proto__":{"token":"abc"}}`, /^HTTP\/1\.1 4\d\d /],
    ['a token that is a list', `POST /login HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 14\r\n${END}{"token":[{}]}`, /^HTTP\/1\.1 401 /],
  ]
  for (const [what, bytes, status] of table) t.match(await raw(bytes), status, what)
  t.equal((await ask('/healthz')).status, 200, 'others are answered')
})

await t.test('a body is refused instead of asked for', async (t) => {
  const { port } = await served(t, { secret: SECRET })
  const peer = await Peer.connect(t, { port })
  peer.send(`POST /change HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`)
  t.equal(await peer.line(), 'HTTP/1.1 403 Forbidden\r')
  await peer.rest()
  t.pass('and the connection ends, as the body does not come')
})

await t.test('as many that say nothing as there is room for keep nobody out', async (t) => {
  const { port, raw } = await served(t)
  const silent = await Promise.all(Array.from({ length: HTTP_CONNECTIONS }, async () => await Peer.connect(t, { port })))
  const gone = Promise.any(silent.map(async ({ socket }) => { await once(socket, 'end') }))
  // Who has just come may be about to speak: others are told to come again, for a moment.
  const deadline = AbortSignal.timeout(10_000)
  let answer = ''
  while (!answer.startsWith('HTTP/1.1 200 ') && !deadline.aborted) answer = await raw(`GET / HTTP/1.1\r\n${HOST}${END}`)
  t.match(answer, /^HTTP\/1\.1 200 /)
  await t.resolves(gone, 'one of them had to go')
})

await t.test('names of others come back as data', async (t) => {
  const { ask } = await served(t)
  const name = '<img src=x onerror=alert(1)>\u202e"\'&'
  const answer = await ask(`/files/${encodeURIComponent(name)}/x`, { Accept: 'text/html' })
  t.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  t.match(answer.headers.get('content-type'), 'text/plain')
  t.match(answer.headers.get('content-security-policy'), "default-src 'none'")
})
