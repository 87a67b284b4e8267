import { connect } from 'node:net'
import { once } from 'node:events'
import { existsSync, lstatSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { ControlClient } from '../../lib/control/control-client.js'
import { ControlServer } from '../../lib/control/control-server.js'
import { tempDir } from '../helpers/files.js'

/** In a folder with a short name: the path of a socket may have 107 bytes. */
async function pathOf (t: Test): Promise<string> {
  return join(await tempDir(t), 'n.sock')
}

async function serve (t: Test, path?: string): Promise<string> {
  path ??= await pathOf(t)
  const server = new ControlServer({
    path,
    version: '1.0.0',
    locked: async (_path, work) => await work(),
    obey: async ([word], tell) => {
      if (word === 'throw') throw new Error('secret detail')
      tell({ event: 'told', word })
      return word === 'bad' ? 13 : 0
    },
  })
  await server.listen()
  t.teardown(async () => await server.close())
  return path
}

await t.test('a question is answered by events, and at last by its exit status', async (t) => {
  const path = await serve(t)
  t.equal(lstatSync(path).mode & 0o777, 0o600)
  const client = await ControlClient.connect(path, '2.0.0')
  if (client === undefined) return t.fail('nobody answers')
  t.teardown(() => client.close())
  t.strictSame(client.hello, { piecemeal: '1.0.0', control: 1 })
  const told: unknown[] = []
  t.equal(await client.ask(['good'], (event) => told.push(event)), 0)
  t.equal(await client.ask(['bad'], (event) => told.push(event)), 13)
  t.equal(await client.ask(['throw'], (event) => told.push(event)), 1)
  t.strictSame(told, [{ id: 1, event: 'told', word: 'good' }, { id: 2, event: 'told', word: 'bad' }, { id: 3, event: 'failed', code: 'E_INTERNAL', message: 'internal error' }])
})

await t.test('where nobody answers there is no client, and one that a crash has left is taken over', async (t) => {
  const path = await pathOf(t)
  t.equal(await ControlClient.connect(path, '1'), undefined)
  await serve(t, path)
  const again = new ControlServer({ path, version: '1', obey: async () => 0, locked: async (_path, work) => await work() })
  await t.rejects(again.listen(), { code: 'E_NAME_TAKEN' })
})

await t.test('one whose folder is removed under a node that lives is made again', async (t) => {
  const path = join(await tempDir(t), 'of a user', 'n.sock')
  const server = new ControlServer({ path, version: '1', obey: async () => 0, locked: async (_path, work) => await work(), lookMs: 5 })
  await server.listen()
  t.teardown(async () => await server.close())
  const old = await ControlClient.connect(path, '1')
  t.teardown(() => old?.close())
  rmSync(dirname(path), { recursive: true })
  let client: ControlClient | undefined
  while (client === undefined) client = await ControlClient.connect(path, '1')
  t.equal(await client.ask(['x'], () => {}), 0)
  client.close()
  t.equal(await old?.ask(['x'], () => {}), 0, 'and who was connected stays so')
  old?.close()
  await server.close()
  t.notOk(existsSync(path))
})

await t.test('another version of the program: it says so both ways, and what is asked is answered', async (t) => {
  const path = await serve(t)
  const socket = connect(path).setEncoding('utf8')
  t.teardown(() => socket.destroy())
  socket.write('{"piecemeal":"9.0.0","control":7,"more":true}\n{"id":1,"command":["status"],"more":true}\n')
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.includes('"done"')) break
  }
  t.strictSame(text.trim().split('\n').map((line) => JSON.parse(line) as unknown), [{ piecemeal: '1.0.0', control: 1 }, { id: 1, event: 'told', word: 'status' }, { id: 1, event: 'done', status: 0 }])
})

for (const [what, lines] of [['no greeting', '{"id":1,"command":["x"]}\n'], ['no JSON', 'nonsense\n'], ['words that are none', '{"piecemeal":"1","control":1}\n{"id":1,"command":[1]}\n'], ['too long a line', `${'x'.repeat(70_000)}\n`]] as const) {
  await t.test(`${what}: told, and ended`, async (t) => {
    const socket = connect(await serve(t)).setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk) => { text += chunk })
    socket.on('error', () => {})
    socket.write(lines)
    await once(socket, 'close', { signal: AbortSignal.timeout(5_000) })
    t.match(text, /^\{"piecemeal":"1.0.0","control":1\}\n\{"event":"failed"/)
  })
}
