/** The port itself: where it listens, whom it tells, how it ends. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { Certificate } from '../../lib/web/certificate.js'
import { FailedTries } from '../../lib/web/failed-tries.js'
import { Sessions } from '../../lib/web/sessions.js'
import { WebServer } from '../../lib/web/web-server.js'
import { SECRET, served, TOKEN } from './served.js'
import { Peer } from '../net/peer.js'

const options = { port: 0, readiness: () => undefined, onError: () => {} }

function makePair (dir: string, name: string): { cert: string, key: string } {
  const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '7', '-subj', `/CN=${name}`], { stdio: 'ignore' })
  return { cert, key }
}

await t.test('beyond this machine it takes a secret, and TLS or somebody who does it', async (t) => {
  const open = async (more: object): Promise<void> => {
    const web = await WebServer.open({ ...options, host: '0.0.0.0', ...more })
    try {
      await web.listen()
    } finally {
      await web.close()
    }
  }
  await t.rejects(open({}), { code: 'E_AUTH', message: /secret/ })
  await t.rejects(open({ secret: SECRET }), { code: 'E_AUTH', message: /--http-cert/ })
  await t.rejects(open({ isPlain: true }), { code: 'E_AUTH' })
  await t.resolves(open({ secret: SECRET, isPlain: true }))
  await t.resolves(open({ insecure: true, isPlain: true }))
  await t.rejects(open({ host: 'nobody.invalid' }), { code: 'E_USAGE' })
})

await t.test('a port that is taken', async (t) => {
  const { port } = await served(t)
  const web = await WebServer.open({ ...options, port })
  t.teardown(async () => await web.close())
  await t.rejects(web.listen(), { code: 'E_PORT' })
})

await t.test('it closes with a stream open, and twice', async (t) => {
  const { web, port } = await served(t)
  const peer = await Peer.connect(t, { port })
  peer.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await peer.line()
  await Promise.all([web.close(), web.close()])
  t.match((await peer.rest()).toString(), 'ok')
})

await t.test('a certificate is read anew, and one that does not fit changes nothing', async (t) => {
  const dir = t.testdir()
  const [first, second] = [makePair(dir, 'first'), makePair(dir, 'second')]
  const told: string[] = []
  let changes = 0
  const certificate = await Certificate.open(first, ({ message }) => told.push(message))
  certificate.onChange = () => changes++
  t.teardown(() => certificate.close())
  t.ok(certificate.expiry > Date.now() / 1_000)
  await certificate.look()
  t.equal(changes, 0)
  const before = certificate.pair.cert
  renameSync(second.cert, first.cert)
  await certificate.look()
  await certificate.look()
  t.equal(changes, 0)
  t.match(told, [/first\.crt.*the one before stays/])
  t.equal(told.length, 1, 'told once')
  t.ok(certificate.pair.cert.equals(before))
  renameSync(second.key, first.key)
  await certificate.look()
  t.equal(changes, 1)
  writeFileSync(first.key, 'nonsense')
  await t.rejects(Certificate.open(first, () => {}), { code: 'E_AUTH' })
  await t.rejects(Certificate.open({ cert: join(dir, 'none'), key: first.key }, () => {}), { code: 'E_AUTH', message: /ENOENT/ })
})

await t.test('over TLS', async (t) => {
  const certificate = makePair(t.testdir(), 'localhost')
  const { port, web } = await served(t, { secret: SECRET, certificate })
  const request = get({ host: '127.0.0.1', port, path: '/', rejectUnauthorized: false, agent: false, headers: { Authorization: `Bearer ${TOKEN}` } })
  const [response] = await once(request, 'response') as [IncomingMessage]
  t.equal(response.statusCode, 200)
  const shown = (response.socket as TLSSocket).getPeerX509Certificate() as X509Certificate
  t.match(shown.subject, 'CN=localhost')
  t.ok((web.certificateExpiry ?? 0) > Date.now() / 1_000)
  response.resume()
  await once(response, 'end')
})

await t.test('who is remembered is remembered within limits', async (t) => {
  let nowMs = 0
  const sessions = new Sessions(() => nowMs)
  const first = sessions.begin()
  t.ok(sessions.has(first))
  for (let i = 0; i < 1_024; i++) sessions.begin()
  t.notOk(sessions.has(first), 'the oldest had to go')
  const last = sessions.begin()
  nowMs += 12 * 3_600_000
  t.notOk(sessions.has(last), 'it is over')

  const failed = new FailedTries(() => nowMs)
  for (let i = 0; i < 5; i++) t.equal(failed.add('a'), undefined)
  t.equal(failed.add('a'), 60)
  nowMs += 59_000
  t.equal(failed.add('a'), 1)
  nowMs += 1_000
  t.equal(failed.add('a'), undefined)
})
