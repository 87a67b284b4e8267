/** A node in the background: told what to do through its control socket, and the same after a crash. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Piecemeal, place } from '../helpers/everyday.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'

await t.test('it shares what it is told, remembers that over a crash, and goes on with its downloads', async (t) => {
  const tracker = await startTracker(t)
  const home = await tempDir(t)
  const here = { ...place(home, 'here'), variables: { PIECEMEAL_TRACKER: `127.0.0.1:${tracker.port}`, PIECEMEAL_NAME: 'Mine' } }
  const run = async (...args: string[]): Promise<string> => await new Piecemeal(t, here, ...args).done()
  writeFileSync(join(here.cwd, 'f'), pseudoRandomBytes(2_000_000, 1))
  mkdirSync(join(home, 'nodes', 'Other'), { recursive: true })
  writeFileSync(join(home, 'nodes', 'Other', 'big'), pseudoRandomBytes(6 * 1_048_576, 2))
  const other = await startNode(t, { name: 'Other', tracker, dir: join(home, 'nodes'), flags: ['--up', '1M'] })
  await other.upload('big')

  const up = async (): Promise<number> => {
    const { pid } = JSON.parse(await run('up', '--json')) as { pid: number }
    // Nothing survives a test that fails.
    t.teardown(() => { try { process.kill(pid, 'SIGKILL') } catch { /* It has ended. */ } })
    return pid
  }
  const pid = await up()
  t.equal(await run('share', 'f'), 'piecemeal get f\n')
  const folder = join(home, 'data', 'piecemeal')
  const asking = new Piecemeal(t, here, 'status', '--json')
  t.match(JSON.parse(await asking.done()), { sharing: [{ file: 'f' }], tracker: { connected: true } })
  await t.rejects(run('up'), /E_NAME_TAKEN/)
  t.match(await run('verify', 'f'), /^verified f /)

  process.kill(pid, 'SIGKILL')
  await up()
  t.match(await run('list'), /^big .*\nf {2}1\.91 MiB {2}1 owner/m, 'announced again, and its name had back')
  t.equal(await run('unshare', 'f'), 'no longer sharing f\n')
  await run('down')
  t.notMatch(readFileSync(join(folder, '.piecemeal', 'shares.json'), 'utf8'), '"f"')
  await new Piecemeal(t, here, 'down').done(2)
})

await t.test('a node that remembers lives without standard input, and ends by a signal', async (t) => {
  const tracker = await startTracker(t)
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
  const asker = await startNode(t, { name: 'C', tracker, dir })
  await asker.download('a', 'b', 'c')
  t.equal(readFileSync(join(dir, 'C', 'b'), 'utf8'), 'another', 'one that was changed is shared as it is now')
  again.signal('SIGTERM')
  t.strictSame(await again.exit(), { status: 0, signal: null })
})
