import { once } from 'node:events'
import t from 'tap'
import { LineClient } from '../../lib/net/line-client.js'
import type { PiecemealError } from '../../lib/protocol/errors.js'
import { deadPort, listenForPeers, WAIT_MS, type Peer, type Scope } from './peer.js'

/** A client, and the server's side of its connection. */
async function connected (t: Scope): Promise<{ client: LineClient, peer: Peer }> {
  const { host, port, next } = await listenForPeers(t)
  const client = await LineClient.connect({ host, port })
  t.teardown(() => client.close())
  return { client, peer: await next() }
}

async function closing (client: LineClient): Promise<PiecemealError> {
  const [reason] = await once(client, 'close', { signal: AbortSignal.timeout(WAIT_MS) }) as [PiecemealError]
  return reason
}

await t.test('each reply goes to its request, in order', async (t) => {
  const { client, peer } = await connected(t)
  const replies = Promise.all([1, 2, 3].map(async (n) => await client.request({ n })))
  t.strictSame([await peer.message(), await peer.message(), await peer.message()], [{ n: 1 }, { n: 2 }, { n: 3 }], 'pipelined')
  peer.send('{"r":1}\n{"r":2}\r\n{"r"', ':3}\n')
  t.strictSame(await replies, [{ r: 1 }, { r: 2 }, { r: 3 }])
  t.equal(client.closedBecause, undefined)
})

await t.test('a reply of almost 1 MiB', async (t) => {
  const { client, peer } = await connected(t)
  const reply = client.request({ n: 1 })
  const pieces = 'x'.repeat(1_048_576 - '{"pieces":""}'.length)
  peer.send({ pieces })
  t.equal((await reply).pieces, pieces)
})

await t.test('no reply in time: the connection is closed, for the next one could be taken for it', async (t) => {
  const { client, peer } = await connected(t)
  const late = client.request({ n: 1 }, 40)
  const other = client.request({ n: 2 })
  const reason = closing(client)
  await t.rejects(late, { code: 'E_TIMEOUT' })
  await t.rejects(other, { code: 'E_TIMEOUT' })
  t.match(await reason, { code: 'E_TIMEOUT' })
  await t.rejects(client.request({ n: 3 }), { code: 'E_TIMEOUT' }, 'and stays closed')
  await peer.rest()
})

await t.test('a connection that is lost rejects whatever waits', async (t) => {
  for (const lose of [(peer: Peer) => peer.socket.end(), (peer: Peer) => peer.socket.resetAndDestroy()]) {
    const { client, peer } = await connected(t)
    const requests = [client.request({ n: 1 }), client.request({ n: 2 })]
    const reason = closing(client)
    await peer.message()
    lose(peer)
    for (const request of requests) await t.rejects(request, { code: 'E_NETWORK', message: /127\.0\.0\.1:/ })
    t.match(await reason, { code: 'E_NETWORK' })
    t.match(client.closedBecause, { code: 'E_NETWORK' })
    await t.rejects(client.request({ n: 3 }), { code: 'E_NETWORK' })
  }
})

await t.test('what comes and is no reply closes the connection', async (t) => {
  const table: Array<[what: string, bytes: string | Uint8Array, code: string]> = [
    ['no JSON', 'HTTP/1.1 400 Bad Request\r\n', 'E_PROTOCOL'],
    ['no object', '[]\n', 'E_PROTOCOL'],
    ['bad UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d, 0x0a), 'E_PROTOCOL'],
    ['too long', 'x'.repeat(1_048_577), 'E_PROTOCOL'],
    ['too long, with its end', `${'x'.repeat(1_048_577)}\n`, 'E_PROTOCOL'],
    ['too deep', `${'['.repeat(200_000)}\n`, 'E_PROTOCOL'],
  ]
  for (const [what, bytes, code] of table) {
    const { client, peer } = await connected(t)
    const request = client.request({ n: 1 })
    peer.send(bytes)
    await t.rejects(request, { code }, what)
    await peer.rest()
    t.ok(peer.socket.readableEnded, `${what}: closed`)
  }
})

await t.test('a reply to no request closes the connection', async (t) => {
  const { client, peer } = await connected(t)
  const reason = closing(client)
  peer.send({ r: 1 })
  t.match(await reason, { code: 'E_PROTOCOL' })

  const second = await connected(t)
  const request = second.client.request({ n: 1 })
  const secondReason = closing(second.client)
  second.peer.send('{"r":1}\n{"r":2}\n')
  t.strictSame(await request, { r: 1 }, 'the one that was asked for still counts')
  t.match(await secondReason, { code: 'E_PROTOCOL' })
})

await t.test('closed by us: whatever waits is interrupted, and the other side sees the end', async (t) => {
  const { client, peer } = await connected(t)
  let closes = 0
  client.on('close', () => { closes++ })
  const request = client.request({ n: 1 })
  client.close()
  client.close()
  await t.rejects(request, { code: 'E_INTERRUPTED' })
  await peer.rest()
  t.equal(closes, 1)
})

await t.test('nobody to connect to', async (t) => {
  await t.rejects(LineClient.connect({ host: '127.0.0.1', port: await deadPort() }), { code: 'E_NETWORK' })
})
