import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { LineReader } from '../../lib/net/line-reader.js'
import { listen, Peer, WAIT_MS, type Scope } from './peer.js'

async function reading (t: Scope, maxBytes?: number, timeoutMs?: number): Promise<{ peer: Peer, socket: Socket, line: Promise<Buffer> }> {
  const { port, server } = await listen(t, () => {})
  const accepted = once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
  const peer = await Peer.connect(t, { port })
  const [socket] = await accepted as [Socket]
  const line = new LineReader(socket, { maxLineBytes: maxBytes }).next(timeoutMs)
  // Observed by the test, if only later.
  line.catch(() => {})
  return { peer, socket, line }
}

await t.test('the first line, without its end', async (t) => {
  const { peer, line } = await reading(t)
  peer.send('{"a":1}\nand what follows is dropped\n')
  t.equal((await line).toString(), '{"a":1}')
})

await t.test('a line that comes byte by byte', async (t) => {
  const { peer, line } = await reading(t)
  for (const byte of Buffer.from('{"é":1}\n')) peer.send(Buffer.of(byte))
  t.equal((await line).toString(), '{"é":1}')
})

await t.test('the limit is in bytes, without the newline', async (t) => {
  const fits = await reading(t, 5)
  fits.peer.send('12345\n')
  t.equal((await fits.line).toString(), '12345')
  for (const text of ['123456\n', '123456', 'éé\u00e9\n']) {
    const { peer, line } = await reading(t, 5)
    peer.send(text)
    await t.rejects(line, { code: 'E_LIMIT' }, JSON.stringify(text))
  }
})

await t.test('the contract\'s limit is 64 KiB', async (t) => {
  const fits = await reading(t)
  fits.peer.send(`${'x'.repeat(65_536)}\n`)
  t.equal((await fits.line).length, 65_536)
  const { peer, line } = await reading(t)
  peer.send('x'.repeat(65_537))
  await t.rejects(line, { code: 'E_LIMIT' })
})

await t.test('a connection that ends, or breaks, before the line does', async (t) => {
  const ended = await reading(t)
  ended.peer.send('{"a":1}')
  ended.peer.socket.end()
  await t.rejects(ended.line, { code: 'E_NETWORK' })
  const broken = await reading(t)
  broken.peer.socket.resetAndDestroy()
  await t.rejects(broken.line, { code: 'E_NETWORK' })
})

await t.test('a line that does not come in time', async (t) => {
  const { peer, line } = await reading(t, 100, 30)
  peer.send('{"a"')
  await t.rejects(line, { code: 'E_TIMEOUT' })
})

await t.test('afterwards the end of the connection is seen, whatever else comes', async (t) => {
  const { peer, socket, line } = await reading(t)
  const ended = once(socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  peer.send('{}\n', Buffer.alloc(1_000_000))
  peer.socket.end()
  await line
  await ended
})

await t.test('who begins TLS is told at once that there is none', async (t) => {
  const { peer, line } = await reading(t)
  peer.send(Uint8Array.of(0x16))
  await t.rejects(line, { code: 'E_AUTH' })
  const late = await reading(t)
  late.peer.send('{"a"', ':"\u0016"}\n')
  t.equal((await late.line).toString(), '{"a":"\u0016"}', 'only the first byte counts')
})

await t.test('lines that come at once are taken one by one, those that are too many are refused behind them', async (t) => {
  const { port, server } = await listen(t, () => {})
  const accepted = once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
  const peer = await Peer.connect(t, { port })
  const [socket] = await accepted as [Socket]
  const reader = new LineReader(socket, { maxLines: 2 })
  peer.send('one\ntwo\nthree\nfour\n')
  t.equal((await reader.next()).toString(), 'one')
  t.equal((await reader.next()).toString(), 'two')
  await t.rejects(reader.next(), { code: 'E_LIMIT' })
})
