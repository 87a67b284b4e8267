import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { dial } from '../../lib/net/dial.js'
import { deadPort, HOST, listen, silentPort, WAIT_MS, type Scope } from './peer.js'

await t.test('a connection that works', async (t) => {
  const { port, server } = await listen(t, (socket) => { socket.end('hello') })
  const accepted = once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
  const socket = await dial({ host: HOST, port, localAddresses: ['::1', '127.0.0.2'] })
  t.teardown(() => socket.destroy())
  const [peer] = await accepted as [typeof socket]
  t.equal(peer.remoteAddress, '127.0.0.2', 'from the address it was told to come from')
  const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) }) as [Buffer]
  t.equal(data.toString(), 'hello')
  t.equal(socket.listenerCount('error'), 0, 'its errors are the caller\'s from here on')
})

await t.test('nobody listens', async (t) => {
  const port = await deadPort()
  await t.rejects(dial({ host: HOST, port }), { code: 'E_NETWORK', message: new RegExp(`${HOST}:${port}: ECONNREFUSED`) })
  await t.rejects(dial({ host: '::1', port }), { code: 'E_NETWORK', message: new RegExp(`\\[::1\\]:${port}`) })
})

await t.test('nobody answers', async (t) => {
  const port = await silentPort(t)
  await t.rejects(dial({ host: HOST, port, connectMs: 50 }), { code: 'E_TIMEOUT', message: new RegExp(`${HOST}:${port}`) })

  const controller = new AbortController()
  const dialled = dial({ host: HOST, port, signal: controller.signal })
  controller.abort()
  await t.rejects(dialled, { code: 'E_INTERRUPTED' })
})

await t.test('given up before it began', async (t) => {
  const { port, server } = await listen(t, () => { t.fail('nobody should come') })
  await t.rejects(dial({ host: HOST, port, signal: AbortSignal.abort() }), { code: 'E_INTERRUPTED' })
  // A connection that comes after it shows that the first one did not.
  server.removeAllListeners('connection')
  const socket = await dial({ host: HOST, port })
  socket.destroy()
})

await t.test('an abort after the connection stands leaves it alone', async (t) => {
  const { port } = await listen(t, (socket) => { socket.pipe(socket) })
  const controller = new AbortController()
  const socket = await dial({ host: HOST, port, signal: controller.signal })
  t.teardown(() => socket.destroy())
  controller.abort()
  socket.write('still here')
  const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) }) as [Buffer]
  t.equal(data.toString(), 'still here')
})

/** A server on each of these, of one port, that says which it is. */
async function onLocalhost (t: Scope, hosts: readonly string[]): Promise<number> {
  let port = 0
  for (const host of hosts) {
    const server = createServer((socket) => { socket.end(host) })
    server.listen({ host, port })
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    t.teardown(() => server.close())
  }
  return port
}

async function said (socket: Socket): Promise<string> {
  const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) }) as [Buffer]
  socket.destroy()
  return data.toString()
}

await t.test('of a name each address is tried, from an address of ours only where that fits', async (t) => {
  for (const listening of ['127.0.0.1', '::1']) {
    const port = await onLocalhost(t, [listening])
    for (const localAddresses of [undefined, [], ['127.0.0.2'], ['::1'], ['127.0.0.2', '::1']]) {
      t.equal(await said(await dial({ host: 'localhost', port, localAddresses })), listening, `${listening} from ${String(localAddresses)}`)
    }
  }
  t.equal(await said(await dial({ host: '[::1]', port: await onLocalhost(t, ['::1']) })), '::1')
})

await t.test('an address that does not answer does not keep the next from being tried', async (t) => {
  const port = await silentPort(t)
  const server = createServer((socket) => { socket.end('::1') }).listen({ host: '::1', port })
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.equal(await said(await dial({ host: 'localhost', port })), '::1')
})

await t.test('a name where nobody listens, and one that is nobody\'s', async (t) => {
  const port = await deadPort()
  await t.rejects(dial({ host: 'localhost', port }), { code: 'E_NETWORK', message: `no connection to localhost:${port}: ECONNREFUSED` })
  await t.rejects(dial({ host: 'no-such-host.invalid', port, connectMs: WAIT_MS }), { code: 'E_NETWORK', message: /no-such-host\.invalid:\d+: E/ })
})
