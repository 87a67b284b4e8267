import { once } from 'node:events'
import t from 'tap'
import { dial } from '../../lib/net/dial.js'
import { deadPort, HOST, listen, silentPort, WAIT_MS } from './peer.js'

await t.test('a connection that works', async (t) => {
  const { port, server } = await listen(t, (socket) => { socket.end('hello') })
  const accepted = once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
  const socket = await dial({ host: HOST, port, localAddress: '127.0.0.2' })
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
