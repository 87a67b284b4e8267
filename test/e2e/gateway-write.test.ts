/** Files that are put over HTTP: who may, what is refused before a byte of it, and what becomes of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { httpToken } from '../../lib/secret/http-token.js'
import { deriveKeys } from '../../lib/secret/keys.js'
import { Gateways, run } from '../gateway/clients.js'
import { hiddenLeftovers, pseudoRandomBytes } from '../helpers/files.js'

const SECRET = { current: deriveKeys(Buffer.from('a secret of some length')) }
const TOKEN = httpToken(SECRET)
const BYTES = pseudoRandomBytes(3 * MiB + 1, 'put')

await t.test('put, shared, fetched elsewhere; and what is refused', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir({})
  const gateways = await Gateways.start(t, dir, SECRET)
  const { node, url } = await gateways.node('Taker', { secret: SECRET }, { isWritable: true, mostWritten: 4 * MiB })
  const { node: other, url: otherUrl } = await gateways.node('Other', { secret: SECRET })
  writeFileSync(join(dir, 'new'), BYTES)
  const put = async (name: string, ...args: string[]): Promise<string> => {
    const { stdout } = await run(dir, 'curl', '-s', '-o', 'answer', '-w', '%{http_code}', '-T', 'new', '-u', `me:${TOKEN}`, ...args, `${url}/files/${name}`)
    return stdout
  }
  t.equal(await put('new', '-u', 'me:wrong'), '401')
  t.equal(await put('new', '-H', 'Content-Type: application/json'), '201', 'whatever it is said to be')
  t.match(JSON.parse(await readFile(join(dir, 'answer'), 'utf8')), { file: 'new', bytes: BYTES.length, digest: /^blake3:/ })
  t.ok(readFileSync(join(node.folder, 'new')).equals(BYTES))
  t.match(await run(dir, 'curl', '-sf', '-u', `me:${TOKEN}`, '-o', 'back', `${otherUrl}/files/new`), { status: 0 })
  t.ok(readFileSync(join(dir, 'back')).equals(BYTES))
  t.equal(await put('new'), '412', 'it is there')
  writeFileSync(join(other.folder, 'elsewhere'), 'x')
  await other.upload('elsewhere')
  t.equal(await put('elsewhere'), '412', 'it is in the network')
  t.equal(await put('..%2fout'), '400')
  t.equal(await put('part', '-H', 'Content-Range: bytes 0-9/100'), '400', 'a part is not the whole')
  t.notOk(existsSync(join(dir, 'out')))
  writeFileSync(join(dir, 'new'), Buffer.alloc(5 * MiB))
  t.equal(await put('large'), '413')
  t.equal(await put('large', '-H', 'Transfer-Encoding: chunked'), '413', 'whatever it says')
  t.match(await run(dir, 'curl', '-s', '-o', 'answer', '-w', '%{http_code}', '-T', 'new', '-u', `me:${TOKEN}`, `${otherUrl}/files/closed`), { stdout: '404' }, 'where nobody may write')

  const { hostname, port } = new URL(url)
  const refused = connect(Number(port), hostname)
  refused.write(`PUT /files/new HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`)
  t.match(await text(refused), /^HTTP\/1\.1 412 /, 'instead of 100 Continue')
  const cut = connect(Number(port), hostname)
  cut.write(`PUT /files/cut HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 5\r\n\r\nab`)
  cut.end()
  await text(cut)
  t.notOk(existsSync(join(node.folder, 'cut')))
  t.strictSame((await hiddenLeftovers(node.folder)).filter((path) => !path.startsWith('cache')), [])
  await rm(join(dir, 'new'))
})

await t.test('without a secret nobody has the token', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir({ new: 'x' })
  const gateways = await Gateways.start(t, dir)
  const { url } = await gateways.node('Taker', {}, { isWritable: true })
  t.match(await run(dir, 'curl', '-s', '-o', 'answer', '-w', '%{http_code}', '-T', 'new', '-u', 'me:', `${url}/files/new`), { stdout: '403' })
})
