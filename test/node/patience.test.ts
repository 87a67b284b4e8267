import { createServer } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { Node } from '../../lib/node/node.js'
import { whenFree } from '../../lib/node/patience.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { WebServer } from '../../lib/web/web-server.js'
import { tempDir } from '../helpers/files.js'
import { trackerHere } from '../helpers/tracker.js'

await t.test('a node that remembers waits for the run before it, which still has its name, its folder and its port', async (t) => {
  const { host, port } = await trackerHere(t)
  const options = { name: 'Same', dir: await tempDir(t), tracker: { host, port }, remember: true }
  const first = new Node(options)
  t.teardown(async () => await first.close())
  const { input, output } = await first.start()
  const second = new Node({ ...options, inputPort: input.port, outputPort: output.port })
  t.teardown(async () => await second.close())
  const warned = once(second, 'warning', { signal: AbortSignal.timeout(10_000) })
  const started = second.start()
  t.match(await warned, [{ message: /another node is at work in the folder .*; trying again for 90 s$/ }])
  await first.close()
  t.match(await started, { input, output })
})

await t.test('a port that is another process\'s is had once it is free', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  const address = holder.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const web = await WebServer.open({ port: address.port, readiness: () => undefined, onError: (error) => { throw error } })
  t.teardown(async () => await web.close())
  const told: string[] = []
  const { url } = await whenFree(async () => await web.listen(), { isStopping: () => false, onHeld: (message) => { told.push(message); holder.close() } })
  t.equal(told.length, 1)
  t.equal((await fetch(new URL('healthz', url))).status, 200)
})

await t.test('what else is wrong is no reason to wait, and who is to stop waits no longer', async (t) => {
  const fails = async (error: Error, isStopping = false): Promise<void> => await whenFree(async () => { throw error }, { isStopping: () => isStopping, onHeld: () => t.fail('no') })
  await t.rejects(fails(new PiecemealError('E_IO', 'x')), { code: 'E_IO' })
  await t.rejects(fails(new PiecemealError('E_PORT', 'x', { cause: Object.assign(new Error('x'), { code: 'EACCES' }) })), { code: 'E_PORT' })
  await t.rejects(fails(new PiecemealError('E_NAME_TAKEN', 'x'), true), { code: 'E_NAME_TAKEN' })
})
