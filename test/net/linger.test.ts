/** The end of a connection whose peer has more to say than anybody wants to hear. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { endGently } from '../../lib/net/linger.js'
import { LINGER_BYTES } from '../../lib/protocol/limits.js'
import { KiB } from '../../lib/protocol/units.js'
import { HOST, WAIT_MS } from './peer.js'

/** Both ends of a connection. */
async function connection (t: Test): Promise<{ ours: Socket, peer: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, HOST)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const peer = connect({ host: HOST, port: (server.address() as AddressInfo).port })
  peer.on('error', () => {})
  t.teardown(() => peer.destroy())
  const [ours] = await once(server, 'connection') as [Socket]
  ours.on('error', () => {})
  return { ours, peer }
}

async function closed (socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(WAIT_MS) })
}

await t.test('what was written last arrives, though the peer has sent something that nobody read', async (t) => {
  const { ours, peer } = await connection(t)
  peer.write(Buffer.alloc(100 * KiB))
  ours.write('the last words')
  endGently(ours, WAIT_MS)
  const [words] = await once(peer, 'data') as [Buffer]
  t.equal(words.toString(), 'the last words')
  peer.end()
  await closed(ours)
})

await t.test('a peer that never stops is cut off after so many bytes', async (t) => {
  const { ours, peer } = await connection(t)
  const chunk = Buffer.alloc(256 * KiB)
  const sendOn = (): void => { peer.write(chunk, (error) => { if (!error) sendOn() }) }
  sendOn()
  await once(ours, 'readable')
  endGently(ours, WAIT_MS)
  await closed(ours)
  t.ok(ours.bytesRead <= LINGER_BYTES + 128 * KiB, `${ours.bytesRead} bytes were read`)
})

await t.test('a peer that keeps its side open is cut off in time', async (t) => {
  const { ours, peer } = await connection(t)
  peer.on('end', () => { t.pass('it is told of our end first') })
  peer.allowHalfOpen = true
  peer.resume()
  endGently(ours, 50)
  await closed(ours)
  t.ok(ours.destroyed)
})
