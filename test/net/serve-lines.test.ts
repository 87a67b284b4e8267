import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { serveLines, type LineDeadlines, type LineService } from '../../lib/net/serve-lines.js'
import { PiecemealError, toErrorData } from '../../lib/protocol/errors.js'
import { closed, listen, Peer, WAIT_MS, type Scope } from './peer.js'

const refuse: LineService['refuse'] = (error, message) => ({ error: toErrorData(error), ...(message && { to: message }) })
const echo: LineService = { answer: (message) => ({ echo: message }), refuse }

interface Served {
  /** A new connection: what the peer has of it, and what the server has. */
  connect: () => Promise<{ peer: Peer, socket: Socket }>
}

async function serving (t: Scope, service: LineService = echo, deadlines: Partial<LineDeadlines> = {}): Promise<Served> {
  const { port, server } = await listen(t, (socket) => serveLines(socket, service, deadlines))
  return {
    connect: async () => {
      const accepted = once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
      const peer = await Peer.connect(t, { port })
      const [socket] = await accepted as [Socket]
      return { peer, socket }
    },
  }
}

/** A promise and what settles it. */
function gate<T> (): { promise: Promise<T>, open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => { open = resolve })
  return { promise, open }
}

await t.test('one reply each, in the order of the requests', async (t) => {
  const slow = gate<object>()
  const { connect } = await serving(t, { refuse, answer: ({ n }): object | Promise<object> => n === 0 ? slow.promise : n === 1 ? Promise.resolve({ n }) : { n } })
  const { peer } = await connect()
  peer.send('{"n":0}\n{"n":1}\r\n{"n":2}\n', { n: 3 })
  // Another connection is answered meanwhile: it is only the order of this one that waits.
  const other = await connect()
  t.strictSame(await other.peer.ask({ n: 7 }), { n: 7 })
  slow.open({ n: 0 })
  for (const n of [0, 1, 2, 3]) t.strictSame(await peer.message(), { n })
})

await t.test('requests in a row about different things are answered together, and replies keep their order', async (t) => {
  const begun: unknown[] = []
  const gates = Array.from({ length: 5 }, () => gate<object>())
  const { connect } = await serving(t, {
    refuse,
    about: ({ thing }) => typeof thing === 'string' ? thing : undefined,
    answer: async ({ n }) => {
      begun.push(n)
      return await (gates[Number(n)]?.promise ?? Promise.reject(new PiecemealError('E_PROTOCOL', 'ends it')))
    },
  })
  const { peer } = await connect()
  peer.send([{ n: 0, thing: 'a' }, { n: 1, thing: 'b' }, { n: 2, thing: 'a' }, { n: 3 }, { n: 4, thing: 'c' }, { n: 5, thing: 'd' }, { n: 6, thing: 'e' }].map((message) => `${JSON.stringify(message)}\n`).join(''))
  gates[1]?.open({ n: 1 })
  gates[0]?.open({ n: 0 })
  for (const n of [0, 1]) t.strictSame(await peer.message(), { n })
  t.strictSame(begun, [0, 1, 2], 'the same thing once more waits')
  gates[2]?.open({ n: 2 })
  t.strictSame(await peer.message(), { n: 2 })
  t.strictSame(begun, [0, 1, 2, 3], 'what is about nothing is answered alone')
  gates[3]?.open({ n: 3 })
  gates[4]?.open({ n: 4 })
  t.strictSame(await peer.messages(), [{ n: 3 }, { n: 4 }, { error: { code: 'E_PROTOCOL', message: 'ends it' }, to: { n: 5, thing: 'd' } }], 'nothing comes after the one that ends it')
})

await t.test('who asks and ends its side at once is answered all the same', async (t) => {
  const slow = gate<object>()
  const { connect } = await serving(t, { refuse, answer: async () => await slow.promise })
  const { peer, socket } = await connect()
  peer.send({ n: 0 }, { n: 1 })
  const ended = once(socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  peer.socket.end()
  await ended
  slow.open({ n: 'both' })
  for (let i = 0; i < 2; i++) t.strictSame(await peer.message(), { n: 'both' })
})

await t.test('a request is answered however its bytes are cut', async (t) => {
  const { connect } = await serving(t)
  const { peer } = await connect()
  for (const byte of Buffer.from('{"n":"é"}\n')) peer.send(Buffer.of(byte))
  t.strictSame(await peer.message(), { echo: { n: 'é' } })
})

await t.test('an error that leaves the connection be', async (t) => {
  const { connect } = await serving(t, {
    refuse,
    answer: ({ n }): object | Promise<object> => {
      if (n === 1) throw new PiecemealError('E_NO_OWNER', 'nobody')
      return n === 2 ? Promise.reject(new PiecemealError('E_BUSY', 'later')) : { n }
    },
  })
  const { peer } = await connect()
  peer.send({ n: 1 }, { n: 2 }, { n: 3 })
  t.strictSame(await peer.message(), { error: { code: 'E_NO_OWNER', message: 'nobody' }, to: { n: 1 } })
  t.strictSame(await peer.message(), { error: { code: 'E_BUSY', message: 'later' }, to: { n: 2 } })
  t.strictSame(await peer.message(), { n: 3 })
})

await t.test('what is thrown by mistake is told without its details', async (t) => {
  const { connect } = await serving(t, { refuse, answer: () => { throw new TypeError('/home/me/secret') } })
  const { peer } = await connect()
  peer.send({ n: 1 })
  t.strictSame(await peer.message(), { error: { code: 'E_INTERNAL', message: 'internal error' }, to: { n: 1 } })
})

await t.test('bytes that are no messages: one error, then closed', async (t) => {
  const table: Array<[what: string, bytes: string | Buffer, code: string]> = [
    ['no JSON', 'hello\n{"n":1}\n', 'E_PROTOCOL'],
    ['no object', 'null\n{"n":1}\n', 'E_PROTOCOL'],
    ['an empty line', '\n{"n":1}\n', 'E_PROTOCOL'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'E_PROTOCOL'],
    ['TLS', Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0xfc]), Buffer.alloc(100, 0xfe), Buffer.from('\n')]), 'E_PROTOCOL'],
    ['bad UTF-8', Buffer.concat([Buffer.from('{"n":"'), Buffer.from([0xff]), Buffer.from('"}\n{"n":1}\n')]), 'E_PROTOCOL'],
    ['nested too deep', `${'['.repeat(60_000)}\n{"n":1}\n`, 'E_LIMIT'],
    ['200,000 brackets', `${'['.repeat(200_000)}\n{"n":1}\n`, 'E_LIMIT'],
    ['a line that is too long', `{"n":"${'x'.repeat(65_536)}"}\n{"n":1}\n`, 'E_LIMIT'],
    ['a line without end', Buffer.alloc(8_000_000, 'x'), 'E_LIMIT'],
  ]
  const { connect } = await serving(t)
  for (const [what, bytes, code] of table) {
    const { peer, socket } = await connect()
    peer.send({ n: 0 }, bytes)
    const [first, second, ...others] = await peer.messages()
    t.strictSame(first, { echo: { n: 0 } }, `${what}: what came before it is answered`)
    t.match(second, { error: { code } }, what)
    t.strictSame(others, [], `${what}: nothing after it`)
    peer.socket.end()
    await closed(socket)
  }
})

await t.test('an answer that refuses the message as none: one error, then closed', async (t) => {
  let answers = 0
  const { connect } = await serving(t, { refuse, answer: () => { answers++; throw new PiecemealError('E_PROTOCOL', 'what?') } })
  const { peer } = await connect()
  peer.send({ n: 1 }, { n: 2 }, { n: 3 })
  t.strictSame(await peer.messages(), [{ error: { code: 'E_PROTOCOL', message: 'what?' }, to: { n: 1 } }])
  t.equal(answers, 1)
})

await t.test('a peer that was refused and stays is cut off', async (t) => {
  const { connect } = await serving(t)
  const { peer, socket } = await connect()
  peer.send('hello\n')
  await peer.rest()
  // The peer keeps its side open.
  await closed(socket)
  t.ok(socket.destroyed)
})

await t.test('a line of the most bytes there may be', async (t) => {
  const { connect } = await serving(t)
  const { peer } = await connect()
  const message = { n: 'x'.repeat(65_536 - '{"n":""}'.length) }
  t.strictSame(await peer.ask(message), { echo: message })
})

await t.test('a client that has said all still gets its replies', async (t) => {
  const slow = gate<object>()
  const { connect } = await serving(t, { refuse, answer: async ({ n }) => n === 0 ? await slow.promise : { n } })
  const { peer, socket } = await connect()
  const ended = once(socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  peer.send({ n: 0 }, { n: 1 }, { n: 2 })
  peer.socket.end()
  slow.open({ n: 0 })
  await ended
  t.strictSame(await peer.messages(), [{ n: 0 }, { n: 1 }, { n: 2 }])
  await closed(socket)
})

await t.test('a last line without its newline is no message', async (t) => {
  let answers = 0
  const { connect } = await serving(t, { refuse, answer: (message) => { answers++; return message } })
  const { peer } = await connect()
  peer.send('{"n":1}\n{"n":2}')
  peer.socket.end()
  t.strictSame(await peer.messages(), [{ n: 1 }])
  t.equal(answers, 1)
})

await t.test('a client that goes away while it is answered', async (t) => {
  const slow = gate<object>()
  const asked = gate<undefined>()
  const { connect } = await serving(t, { refuse, answer: async ({ n }) => { asked.open(undefined); return n === 0 ? await slow.promise : { n } } })
  const { peer, socket } = await connect()
  peer.send({ n: 0 }, { n: 1 })
  await asked.promise
  peer.socket.resetAndDestroy()
  await closed(socket)
  slow.open({ n: 0 })
  const other = await connect()
  t.strictSame(await other.peer.ask({ n: 5 }), { n: 5 }, 'others are served on')
})

await t.test('a connection that never says anything', async (t) => {
  const { connect } = await serving(t, echo, { firstLineMs: 40, messageMs: 60_000, presenceMs: 60_000 })
  const { peer, socket } = await connect()
  await closed(socket)
  t.equal((await peer.rest()).length, 0)
})

await t.test('a first line that drips in: its deadline is absolute', async (t) => {
  const { connect } = await serving(t, echo, { firstLineMs: 60, messageMs: 400, presenceMs: 60_000 })
  const { peer, socket } = await connect()
  const drip = setInterval(() => peer.send(' '), 10)
  t.teardown(() => clearInterval(drip))
  const begunMs = performance.now()
  await closed(socket)
  t.ok(performance.now() - begunMs < WAIT_MS)
  t.equal((await peer.rest()).length, 0)
})

await t.test('a line that is begun and never ended', async (t) => {
  const { connect } = await serving(t, echo, { firstLineMs: 60_000, messageMs: 40, presenceMs: 60_000 })
  const { peer, socket } = await connect()
  t.strictSame(await peer.ask({ n: 1 }), { echo: { n: 1 } })
  const drip = setInterval(() => peer.send(' '), 10)
  t.teardown(() => clearInterval(drip))
  await closed(socket)
  t.equal((await peer.rest()).length, 0)
})

await t.test('silence between lines; but not while we are the ones who keep the other waiting', async (t) => {
  const slow = gate<object>()
  const { connect } = await serving(t, { refuse, answer: async ({ n }) => n === 0 ? await slow.promise : { n } }, { firstLineMs: 60_000, messageMs: 40, presenceMs: 40 })
  const waiting = await connect()
  waiting.peer.send({ n: 0 })
  const silent = await connect()
  t.strictSame(await silent.peer.ask({ n: 1 }), { n: 1 })
  await closed(silent.socket)
  slow.open({ n: 0 })
  t.strictSame(await waiting.peer.message(), { n: 0 })
})

await t.test('a client that sends and never reads', async (t) => {
  let answers = 0
  const reply = { text: 'x'.repeat(1_000_000) }
  const { connect } = await serving(t, { refuse, answer: () => { answers++; return reply } }, { drainMs: 100, messageMs: 100, firstLineMs: 60_000, presenceMs: 60_000 })
  const { peer, socket } = await connect()
  peer.socket.pause()
  peer.send(...Array.from({ length: 200 }, (_, n) => ({ n })))
  await closed(socket)
  t.ok(answers > 0 && answers < 100, `what it does not read is not made: ${answers} of 200 replies`)
  const other = await connect()
  t.same(await other.peer.ask({ n: 1 }), reply)
})
