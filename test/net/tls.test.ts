/** Both ends of a connection with a secret: who dials and who listens, and those who have none or another. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t from 'tap'
import { dial } from '../../lib/net/dial.js'
import { LineClient } from '../../lib/net/line-client.js'
import { Listener, type ListenerOptions } from '../../lib/net/listener.js'
import { TLS_13 } from '../../lib/net/open-socket.js'
import { serveLines } from '../../lib/net/serve-lines.js'
import type { PiecemealError } from '../../lib/protocol/errors.js'
import { makeIdentity } from '../../lib/secret/identity.js'
import { credentialsFor, deriveKeys, type ClientCredentials, type ConnectionKey, type Purpose, type Secret } from '../../lib/secret/keys.js'
import { tempDir } from '../helpers/files.js'
import { closed, deadPort, HOST, listen, Peer, WAIT_MS, type Scope } from './peer.js'

const CURRENT = deriveKeys(Buffer.from('the secret of this network'))
const OLD = deriveKeys(Buffer.from('the secret it had before'))
const SECRET: Secret = { current: CURRENT }

function client (secret: Secret = SECRET, purpose: Purpose = 'control', name = 'NodeA'): ClientCredentials {
  return { ...credentialsFor(purpose, secret), name }
}

interface Listening {
  listener: Listener
  port: number
  /** Those that were let in, and as whom. */
  guests: Array<{ socket: Socket, name: string | undefined }>
  /** What it has told of those that were not. */
  told: PiecemealError[]
}

/** A listener whose connections echo. */
async function listening (t: Scope, options: Partial<ListenerOptions> = {}): Promise<Listening> {
  const [guests, told]: [Listening['guests'], PiecemealError[]] = [[], []]
  const listener = new Listener({
    onConnection: (socket, name) => {
      guests.push({ socket, name })
      socket.pipe(socket)
    },
    onAcceptError: (error) => { told.push(error) },
    credentials: credentialsFor('control', SECRET),
    ...options,
  })
  t.teardown(async () => await listener.close())
  const { port } = await listener.listen({ host: HOST, port: 0 })
  return { listener, port, guests, told }
}

async function heard (socket: Socket): Promise<string> {
  const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) }) as [Buffer]
  return data.toString()
}

async function echoes (t: Scope, port: number, credentials?: ClientCredentials): Promise<Socket> {
  const socket = await dial({ host: HOST, port, credentials })
  t.teardown(() => socket.destroy())
  const echo = heard(socket)
  socket.write('hello')
  if (await echo !== 'hello') throw new Error('no echo')
  return socket
}

await t.test('with the same secret they talk, and the listener knows to whom', async (t) => {
  const { port, guests, told } = await listening(t)
  const socket = await echoes(t, port, client()) as TLSSocket
  t.equal(guests[0]?.name, 'NodeA')
  t.equal(socket.getProtocol(), 'TLSv1.3')
  t.equal(socket.getCipher().name, 'TLS_AES_128_GCM_SHA256')
  t.match(socket.getEphemeralKeyInfo(), { type: 'ECDH' }, 'what was recorded stays secret when the secret no longer is')
  t.equal(socket.listenerCount('error'), 0, 'its errors are the caller\'s from here on')

  const end = once(socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  socket.resume().end()
  await end
  await closed((guests[0] as { socket: Socket }).socket)
  await closed(socket)
  t.strictSame(told, [])
})

await t.test('what goes over the wire is not what was said', async (t) => {
  const { port } = await listening(t)
  const seen: Buffer[] = []
  const proxy = await listen(t, (near) => {
    void dial({ host: HOST, port }).then((far) => {
      far.on('error', () => {})
      for (const [from, to] of [[near, far], [far, near]] as const) {
        from.on('data', (chunk: Buffer) => {
          seen.push(chunk)
          to.write(chunk)
        }).once('close', () => to.destroy())
      }
    })
  })
  await echoes(t, proxy.port, client())
  t.ok(Buffer.concat(seen).length > 200)
  for (const word of ['hello', 'NodeA']) t.notOk(Buffer.concat(seen).includes(word), word)
})

await t.test('who has another secret, or a key for something else, is refused, and both sides are told', async (t) => {
  const { port, guests, told } = await listening(t)
  const begunMs = performance.now()
  const [key] = credentialsFor('control', SECRET).keys as [ConnectionKey]
  const [otherKey] = credentialsFor('control', { current: OLD }).keys as [ConnectionKey]
  const table: Array<[what: string, credentials: ClientCredentials]> = [
    ['another secret', client({ current: OLD })],
    ['the keys for data', client(SECRET, 'data')],
    ['the keys for data, as if they were for messages', { ...client(SECRET, 'data'), purpose: 'control' }],
    ['the name of the key and not the key', { ...client(), keys: [{ ...key, psk: otherKey.psk }] }],
    ['no name', client(SECRET, 'control', '')],
  ]
  for (const [what, credentials] of table) {
    await t.rejects(dial({ host: HOST, port, credentials }), { code: 'E_AUTH', message: `${HOST}:${port} has another secret than we have` }, what)
  }
  t.ok(performance.now() - begunMs < 2_000)
  t.strictSame(told.map(({ code, message }) => [code, message]), [['E_AUTH', `${HOST} is refused at port ${port}: it has no secret, or another one`]], 'once a peer and minute')
  t.strictSame(guests, [])
  await echoes(t, port, client())
})

await t.test('an old secret is good enough while both are accepted', async (t) => {
  const both = { current: CURRENT, old: OLD }
  const old = { current: OLD }
  const { port: portOfBoth, guests } = await listening(t, { credentials: credentialsFor('control', both) })
  const { port: portOfOld } = await listening(t, { credentials: credentialsFor('control', old) })
  for (const secret of [both, SECRET, old]) await echoes(t, portOfBoth, client(secret))
  t.strictSame(guests.map(({ name }) => name), ['NodeA', 'NodeA', 'NodeA'])
  await echoes(t, portOfOld, client(both))
  await t.rejects(dial({ host: HOST, port: portOfOld, credentials: client() }), { code: 'E_AUTH' })
  await t.rejects(dial({ host: HOST, port: portOfBoth, credentials: client({ current: deriveKeys(Buffer.from('a third one')), old: CURRENT }, 'data') }), { code: 'E_AUTH' })
  await t.rejects(dial({ host: HOST, port: await deadPort(), credentials: client(both) }), { code: 'E_NETWORK' }, 'nobody there is another matter')
})

await t.test('who speaks no TLS is told that it takes a secret', async (t) => {
  const { port, told, guests } = await listening(t)
  const client = await LineClient.connect({ host: HOST, port })
  t.teardown(() => client.close())
  await t.rejects(client.request({ type: 'NodeToTracker' }), { code: 'E_AUTH', message: `${HOST}:${port} wants a secret` })
  for (const text of ['GET / HTTP/1.1\r\n\r\n', '\u0000', 'x'.repeat(1_000_000)]) {
    const peer = await Peer.connect(t, { port })
    peer.send(text)
    const answer = await peer.rest().catch(() => Buffer.alloc(0))
    // A reset may overtake it where the peer is still sending.
    t.ok(['', '1503030002020a'].includes(answer.toString('hex')), JSON.stringify(text.slice(0, 20)))
  }
  t.match(told, [{ code: 'E_AUTH', message: `${HOST} is refused at port ${port}: it speaks no TLS, so it has no secret` }])
  t.equal(told.length, 1)
  t.strictSame(guests, [])
})

await t.test('a port without a secret says so to who speaks TLS', async (t) => {
  const told: PiecemealError[] = []
  const listener: Listener = new Listener({
    onConnection: (socket) => serveLines(socket, {
      answer: (message) => message,
      refuse: ({ code }) => {
        listener.tellTls(socket)
        return { code }
      },
    }),
    onAcceptError: (error) => { told.push(error) },
  })
  t.teardown(async () => await listener.close())
  const { port } = await listener.listen({ host: HOST, port: 0 })
  const begunMs = performance.now()
  await t.rejects(dial({ host: HOST, port, credentials: client() }), { code: 'E_AUTH', message: `${HOST}:${port} speaks no TLS: was it started without a secret?` })
  t.ok(performance.now() - begunMs < 2_000)
  t.match(told, [{ code: 'E_AUTH', message: `${HOST} is refused at port ${port}: it speaks TLS, and there is no secret here` }])
})

await t.test('a certificate is no secret', async (t) => {
  const dir = await tempDir(t)
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certFile, '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' })
  const cert = await readFile(certFile)
  const server = createServer({ key: await readFile(keyFile), cert, minVersion: 'TLSv1.3' })
  server.on('tlsClientError', () => {})
  server.listen(0, HOST)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  // It is a good one, for those who trust it.
  const trusting = connectTls({ host: HOST, port, ca: cert })
  await once(trusting, 'secureConnect', { signal: AbortSignal.timeout(WAIT_MS) })
  trusting.destroy()
  await t.rejects(dial({ host: HOST, port, credentials: client() }), { code: 'E_AUTH' })
})

await t.test('a ticket of an earlier session opens nothing', async (t) => {
  const { port, guests } = await listening(t)
  const { purpose, name, keys: [key] } = client() as ClientCredentials & { keys: [ConnectionKey] }
  const tickets: Buffer[] = []
  const options: ConnectionOptions = { ...TLS_13, host: HOST, port, rejectUnauthorized: false }
  const first = connectTls({ ...options, pskCallback: () => ({ psk: key.psk, identity: makeIdentity(purpose, key, name) }) })
  first.on('session', (ticket: Buffer) => { tickets.push(ticket) })
  await once(first, 'secureConnect', { signal: AbortSignal.timeout(WAIT_MS) })
  const echo = heard(first)
  first.write('hello')
  await echo
  for (const session of [...tickets, first.getSession()]) {
    const second = connectTls({ ...options, session })
    const [error] = await once(second, 'error', { signal: AbortSignal.timeout(WAIT_MS) }).catch((error: unknown) => [error]) as [Error & { code?: string }]
    t.match(error.code, /^ERR_SSL_/)
  }
  t.equal(guests.length, 1)
  first.destroy()
})

await t.test('a handshake is over in time, or the connection is', async (t) => {
  const { port, guests, told } = await listening(t, { deadlines: { handshakeMs: 400, lingerMs: 60 } })
  for (const begin of [[], [0x16], [0x16, 3, 1, 2, 0, 1]]) {
    const peer = await Peer.connect(t, { port })
    peer.send(Uint8Array.from(begin))
    t.equal((await peer.rest()).length, 0, `after ${begin.length} bytes`)
  }
  const socket = await echoes(t, port, client())
  // Cut off after those that came before it: the clock has gone on for all.
  const idle = await Peer.connect(t, { port })
  await idle.rest()
  t.notOk(socket.destroyed, 'who is in has all the time in the world')
  t.equal(guests.length, 1)
  t.strictSame(told, [], 'one that says nothing is no news')
})

await t.test('those that are still shaking hands count, and make room', async (t) => {
  const { listener, port, guests } = await listening(t, { maxUnknownPerAddress: 2, maxConnections: 3 })
  const first = await Peer.connect(t, { port })
  first.send(Uint8Array.of(0x16, 3, 1, 2, 0, 1))
  await Peer.connect(t, { port })
  const known = await echoes(t, port, client())
  t.equal((await first.rest()).length, 0, 'the oldest stranger went')
  listener.admit((guests[0] as { socket: Socket }).socket)
  for (let i = 0; i < 4; i++) await echoes(t, port, client())
  const echo = heard(known)
  known.write('still here')
  t.equal(await echo, 'still here', 'who was admitted stays')
})

await t.test('close leaves nothing', async (t) => {
  const { listener, port, guests } = await listening(t)
  const [socket, halfway] = [await echoes(t, port, client()), await Peer.connect(t, { port })]
  halfway.send(Uint8Array.of(0x16, 3, 1))
  await listener.close()
  await closed(socket)
  await closed((guests[0] as { socket: Socket }).socket)
  await halfway.rest()
  await t.rejects(dial({ host: HOST, port, credentials: client() }), { code: 'E_NETWORK' })
})

await t.test('given up in the middle of a handshake', async (t) => {
  const { port } = await listen(t, () => {})
  await t.rejects(dial({ host: HOST, port, credentials: client(), connectMs: 50 }), { code: 'E_TIMEOUT' })
  const controller = new AbortController()
  const dialled = dial({ host: HOST, port, credentials: client({ current: CURRENT, old: OLD }), signal: controller.signal })
  controller.abort()
  await t.rejects(dialled, { code: 'E_INTERRUPTED' })
})
