/** A gateway with a thousand clients at once, and what Prometheus' own program says of the metrics and the rules. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { tempDir, writePseudoRandom } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'

t.setTimeout(180_000)

const CLIENTS = 1_000
const program = fileURLToPath(new URL('../bench/load/clients.js', import.meta.url))

await t.test('a thousand clients at once, twice: each has all of it, and nothing stays behind', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const node = await startNode(t, { name: 'Owner', tracker, dir, flags: ['--http', '0'] })
  const [, url = ''] = await node.waitFor(/^http listening on (.*)\/$/m)
  await writePseudoRandom(join(node.folder, 'file'), MiB)
  await node.upload('file')
  const descriptors = (): number => readdirSync(`/proc/${node.pid}/fd`).length
  const clients = async (count: number): Promise<void> => {
    const child = spawn(process.execPath, [program, `${url}/files/file`, String(count), String(MiB)], { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { complaint += text })
    const [status] = await once(child, 'close') as [number | null]
    t.equal(status, 0, `${count} clients ${complaint}`)
  }
  await clients(1)
  const before = descriptors()
  await clients(CLIENTS)
  const first = residentMiB(node.pid)
  await clients(CLIENTS)
  t.ok(residentMiB(node.pid) < first + 100, `${first} MiB, then ${residentMiB(node.pid)}`)
  const deadline = AbortSignal.timeout(5_000)
  while (descriptors() > before + 5 && !deadline.aborted) await setImmediate()
  t.ok(descriptors() <= before + 5, `${before} descriptors, then ${descriptors()}`)
  t.notMatch(node.stderr, /broke/)
})

if (spawnSync('promtool', ['--version']).status === 0) {
  await t.test('promtool finds nothing wrong with the metrics of a tracker and a node, nor with the rules', async (t) => {
    const dir = await tempDir(t)
    const tracker = await startTracker(t, { flags: ['--http', '0'] })
    const node = await startNode(t, { name: 'Node', tracker, dir, flags: ['--http', '0'] })
    for (const command of [tracker, node]) {
      const [, url = ''] = await command.waitFor(/^http listening on (.*)\/$/m)
      const input = await (await fetch(`${url}/metrics`)).text()
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
      t.equal(status, 0, `${stdout}${stderr}`)
    }
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', 'fixtures/monitoring/alerts.yml'], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
  })
} else {
  console.error('SKIPPED: promtool, which looks at the metrics and the rules: apt-get install prometheus')
  t.pass('promtool', { skip: 'there is no promtool: apt-get install prometheus' })
}

function residentMiB (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}
