import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { endGently } from '../../lib/net/linger.js'
import { Listener, type ListenerOptions } from '../../lib/net/listener.js'
import { closed, HOST, Peer, WAIT_MS, type Scope } from './peer.js'

interface Listening {
  listener: Listener
  port: number
  /** The listener's end of a new connection, after its first byte. */
  connect: () => Promise<{ peer: Peer, socket: Socket }>
}

async function listening (t: Scope, options: Partial<ListenerOptions> = {}): Promise<Listening> {
  const sockets: Socket[] = []
  const listener = new Listener({
    onConnection: (socket) => {
      sockets.push(socket)
      socket.write('!')
      socket.resume()
    },
    ...options,
  })
  t.teardown(async () => await listener.close())
  const { port } = await listener.listen({ host: HOST, port: 0 })
  const connect = async (): Promise<{ peer: Peer, socket: Socket }> => {
    const peer = await Peer.connect(t, { port })
    await once(peer.socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) })
    return { peer, socket: sockets.at(-1) as Socket }
  }
  return { listener, port, connect }
}

async function isClosed ({ peer }: { peer: Peer }): Promise<true> {
  await peer.rest()
  return true
}

await t.test('for whom there is no room is told to come again; who has been idle longest makes room', async (t) => {
  const { listener, connect, port } = await listening(t, {
    maxConnections: 2,
    evictsIdle: true,
    turnAway: (socket) => {
      socket.write('later')
      endGently(socket, WAIT_MS)
    }
  })
  const [a, b] = [await connect(), await connect()]
  for (const { socket } of [b, a]) listener.admit(socket)
  const turnedAway = await Peer.connect(t, { port })
  t.equal((await turnedAway.rest()).toString(), 'later', 'both others have only just spoken')
  // As long as somebody who is busy may be silent.
  const deadline = AbortSignal.timeout(WAIT_MS)
  let c
  do {
    c = await Peer.connect(t, { port })
    const [first] = await once(c.socket, 'data', { signal: deadline }) as [Buffer]
    if (first.toString() === '!') break
    c.socket.destroy()
  } while (!deadline.aborted)
  t.match((await b.peer.rest()).toString(), /later$/)
  a.peer.socket.destroy()
})

await t.test('tells where it listens', async (t) => {
  const listener = new Listener({ onConnection: () => {} })
  t.teardown(async () => await listener.close())
  const { host, port } = await listener.listen({ host: HOST, port: 0 })
  t.equal(host, HOST)
  t.ok(port > 0)
})

await t.test('a port that is in use, or a host that is none of ours', async (t) => {
  const { port } = await listening(t)
  const other = new Listener({ onConnection: () => {} })
  await t.rejects(other.listen({ host: HOST, port }), { code: 'E_PORT', message: new RegExp(`${HOST}:${port}: EADDRINUSE`) })
  await t.rejects(new Listener({ onConnection: () => {} }).listen({ host: '192.0.2.1', port: 0 }), { code: 'E_PORT', message: /192\.0\.2\.1/ })
  await t.resolves(other.close())
})

await t.test('close leaves nothing', async (t) => {
  const { listener, port, connect } = await listening(t)
  const [a, b] = [await connect(), await connect()]
  listener.admit(b.socket)
  await listener.close()
  t.ok(await isClosed(a))
  t.ok(await isClosed(b))
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
  await t.resolves(listener.close(), 'twice is as good as once')
  const heir = new Listener({ onConnection: () => {} })
  t.teardown(async () => await heir.close())
  t.equal((await heir.listen({ host: HOST, port })).port, port, 'the port is free at once')
})

await t.test('it may stop listening while connections go on', async (t) => {
  const { listener, port, connect } = await listening(t)
  const { peer, socket } = await connect()
  await listener.stopListening()
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
  socket.write('still here\n')
  t.match(await peer.line(), /still here/)
})

await t.test('where one address has too many strangers, the one that is silent longest goes', async (t) => {
  const { connect } = await listening(t, { maxUnknownPerAddress: 2 })
  const [first, second] = [await connect(), await connect()]
  const third = await connect()
  t.ok(await isClosed(first))
  second.socket.write('second\n')
  third.socket.write('third\n')
  t.match(await second.peer.line(), /second/)
  t.match(await third.peer.line(), /third/)
})

await t.test('who was admitted counts no more as a stranger', async (t) => {
  const { listener, connect } = await listening(t, { maxUnknownPerAddress: 2 })
  const known = await connect()
  listener.admit(known.socket)
  listener.admit(known.socket)
  const strangers = [await connect(), await connect(), await connect(), await connect()]
  for (const evicted of strangers.slice(0, 2)) t.ok(await isClosed(evicted))
  known.socket.write('known\n')
  t.match(await known.peer.line(), /known/)
})

await t.test('a stranger that has gone makes room', async (t) => {
  const { connect } = await listening(t, { maxUnknownPerAddress: 2 })
  const [first, second] = [await connect(), await connect()]
  second.peer.socket.resetAndDestroy()
  await closed(second.socket)
  await connect()
  first.socket.write('first\n')
  t.match(await first.peer.line(), /first/)
})

await t.test('a full house: strangers make room, those who are known never', async (t) => {
  const { listener, port, connect } = await listening(t, { maxConnections: 2 })
  const [known, stranger] = [await connect(), await connect()]
  listener.admit(known.socket)
  const newcomer = await connect()
  t.ok(await isClosed(stranger))
  listener.admit(newcomer.socket)
  const turnedAway = await Peer.connect(t, { port })
  t.equal((await turnedAway.rest()).length, 0)
  for (const { socket, peer } of [known, newcomer]) {
    socket.write('here\n')
    t.match(await peer.line(), /here/)
  }
})

await t.test('that there is no room is told, with why, and not again at once', async (t) => {
  const told: string[] = []
  const { listener, port, connect } = await listening(t, { maxConnections: 1, fullBecause: 'that is all', onAcceptError: ({ code, message }) => { told.push(`${code} ${message}`) } })
  listener.admit((await connect()).socket)
  t.strictSame(told, [], 'nobody was turned away')
  for (let i = 0; i < 2; i++) await (await Peer.connect(t, { port })).rest()
  t.strictSame(told, ['E_LIMIT connections are turned away: that is all'])
})

await t.test('a reset by a peer is no crash', async (t) => {
  const { connect } = await listening(t)
  const { peer, socket } = await connect()
  peer.socket.resetAndDestroy()
  await closed(socket)
  t.ok((await connect()).socket.writable)
})

await t.test('several hosts: one port on each that this machine has', async (t) => {
  const listener = new Listener({ onConnection: (socket) => socket.end('!') })
  t.teardown(async () => await listener.close())
  const { host, port } = await listener.listen({ host: ['192.0.2.7', '127.0.0.1', '[::1]', '127.0.0.2'], port: 0 })
  t.equal(host, '127.0.0.1')
  for (const host of ['127.0.0.1', '::1', '127.0.0.2']) t.equal((await (await Peer.connect(t, { host, port })).rest()).toString(), '!', host)
  await listener.close()
  for (const host of ['127.0.0.1', '::1', '127.0.0.2']) await t.rejects(Peer.connect(t, { host, port }), { code: 'ECONNREFUSED' }, host)
})

await t.test('a port that is taken on one of them, and hosts that are none of this machine\'s', async (t) => {
  const first = new Listener({ onConnection: () => {} })
  t.teardown(async () => await first.close())
  const { port } = await first.listen({ host: '127.0.0.2', port: 0 })
  const second = new Listener({ onConnection: () => {} })
  t.teardown(async () => await second.close())
  await t.rejects(second.listen({ host: ['127.0.0.1', '127.0.0.2'], port }), { code: 'E_PORT', message: `cannot listen on 127.0.0.2:${port}: EADDRINUSE` })
  await t.rejects(Peer.connect(t, { host: '127.0.0.1', port }), { code: 'ECONNREFUSED' }, 'nothing half-started')
  await t.rejects(second.listen({ host: ['192.0.2.7', '192.0.2.8'], port: 0 }), { code: 'E_PORT', message: /192\.0\.2\.8:0: EADDRNOTAVAIL/ })
})
