/** A node in the background: told what to do through its control socket, and the same after a crash. Whoever asks it is the test itself. */
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { list, status, token, unshare, verify } from '../../lib/command/ask.js'
import { settingsFor, type Settings } from '../../lib/command/settings.js'
import { share } from '../../lib/command/share.js'
import type { CommandName } from '../../lib/command/table.js'
import { down, up } from '../../lib/command/up.js'
import { ControlClient } from '../../lib/control/control-client.js'
import { MiB } from '../../lib/protocol/units.js'
import { httpToken } from '../../lib/secret/http-token.js'
import { readSecret, writeNewSecret } from '../../lib/secret/secret-file.js'
import type { Output } from '../../lib/ui/reporter.js'
import { Piecemeal, place } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { nodeHere } from '../helpers/node.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'

const WAIT_MS = 30_000

await t.test('it shares what it is told, remembers that over a crash, and goes on with its downloads', async (t) => {
  const home = await tempDir(t)
  const secretFile = join(home, 'secret')
  await writeNewSecret(secretFile)
  const secret = await readSecret(secretFile)
  const tracker = await trackerHere(t, { secret })
  const socket = join(home, 'n.sock')
  const variables = { PIECEMEAL_TRACKER: `127.0.0.1:${tracker.port}`, PIECEMEAL_NAME: 'Mine', PIECEMEAL_SOCKET: socket }
  const here = { ...place(home, 'here'), variables: { ...variables, PIECEMEAL_SECRET_FILE: secretFile } }
  /** Of a command that is done in this process. */
  const outputOf = async (does: (settings: Settings, output: Output) => Promise<number>, command: CommandName, ...argv: string[]): Promise<string> => {
    let text = ''
    const output = { out: (line: string) => { text += `${line}\n` }, err: () => {} }
    t.equal(await does(settingsFor(command, argv, { environment: variables, files: [] }), output), 0, command)
    return text
  }
  writeFileSync(join(here.cwd, 'f'), pseudoRandomBytes(2_000_000, 1))
  const other = await nodeHere(t, { name: 'Other', tracker: { host: tracker.host, port: tracker.port }, secret, folder: join(home, 'other'), up: MiB })
  writeFileSync(join(other.folder, 'big'), pseudoRandomBytes(6 * MiB, 2))
  await other.upload('big')

  const start = async (): Promise<number> => {
    const { pid } = JSON.parse(await new Piecemeal(t, here, 'up', '--json').done()) as { pid: number }
    // Nothing survives a test that fails.
    t.teardown(() => { try { process.kill(pid, 'SIGKILL') } catch { /* It has ended. */ } })
    return pid
  }
  const pid = await start()
  t.equal(await outputOf(share, 'share', join(here.cwd, 'f')), 'piecemeal get f\n')
  t.match(JSON.parse(await outputOf(status, 'status', '--json')), { sharing: [{ file: 'f' }], tracker: { connected: true } })
  await t.rejects(outputOf(up, 'up'), { code: 'E_NAME_TAKEN' })
  t.match(await outputOf(verify, 'verify', 'f'), /^verified f /)
  t.equal(await outputOf(token, 'token'), `${httpToken(secret)}\n`, 'of the secret that the node has')
  t.equal(await outputOf(token, 'token', '--metrics'), `${httpToken(secret, 'metrics')}\n`)
  t.equal(await outputOf(token, 'token', '--metrics', '--secret-file', secretFile), `${httpToken(secret, 'metrics')}\n`)

  const client = await ControlClient.connect(socket, '')
  if (client === undefined) throw new Error('nobody answers')
  await t.rejects(client.ask(['-m', 'download', 'big'], ({ event, bytes }) => {
    if (event === 'progress' && Number(bytes) > 0) process.kill(pid, 'SIGKILL')
  }), { code: 'E_NETWORK' })
  const saved = announced(tracker, 'big')
  other.limit('up', undefined)
  await start()
  await saved
  t.match(await outputOf(list, 'list'), /^big .* 2 owners .*\nf {2}1\.91 MiB {2}1 owner/m, 'announced again, and its name had back')
  t.equal(await outputOf(unshare, 'unshare', 'f'), 'no longer sharing f\n')
  await outputOf(down, 'down')
  t.notMatch(readFileSync(join(home, 'data', 'piecemeal', '.piecemeal', 'shares.json'), 'utf8'), '"f"')
  await t.rejects(outputOf(down, 'down'), { code: 'E_USAGE' })
  await t.rejects(outputOf(token, 'token'), { code: 'E_USAGE', message: /--secret-file/ })
})

await t.test('a node that remembers lives without standard input, and ends by a signal', async (t) => {
  const tracker = await trackerHere(t)
  const dir = await tempDir(t)
  mkdirSync(join(dir, 'R'))
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, 'R', name), name)
  const node = await startNode(t, { name: 'R', tracker, dir, flags: ['--remember'] })
  await node.upload('a', 'b', 'c')
  node.endInput()
  node.kill('SIGKILL')
  await node.exit()
  writeFileSync(join(dir, 'R', 'b'), 'another')
  const again = await startNode(t, { name: 'R', tracker, dir, flags: ['--remember'] })
  again.endInput()
  await again.waitFor(/^sharing b \(7 B/m)
  const asker = await nodeHere(t, { name: 'C', tracker: { host: tracker.host, port: tracker.port }, dir })
  await Promise.all(['a', 'b', 'c'].map(async (name) => await asker.download(name)))
  t.equal(readFileSync(join(dir, 'C', 'b'), 'utf8'), 'another', 'one that was changed is shared as it is now')
  again.signal('SIGTERM')
  t.strictSame(await again.exit(), { status: 0, signal: null })
})

/** Until somebody has got all of it. */
async function announced (tracker: Awaited<ReturnType<typeof trackerHere>>, file: string): Promise<void> {
  for (;;) {
    const [{ filename, complete }] = await once(tracker, 'announced', { signal: AbortSignal.timeout(WAIT_MS) }) as [{ filename: string, complete: boolean }]
    if (filename === file && complete) return
  }
}
