/** Limits on what goes out and what comes in, with the commands as a user starts them. */
import { join } from 'node:path'
import t from 'tap'
import type { Scope } from '../helpers/command.js'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { nodeFolder, startNode, startTracker, type NodeCommand, type NodeFlags, type TrackerCommand } from '../helpers/piecemeal.js'
import { MiB } from '../../lib/protocol/units.js'

/** What a node may be ahead of its rate, in seconds. */
const BURST = 0.05

interface Lab {
  dir: string
  tracker: TrackerCommand
  owner: NodeCommand
  path: string
  start: (name: string, flags?: Partial<NodeFlags>) => Promise<NodeCommand>
}

/** An owner of `a.bin`, and others as they are needed. */
async function lab (t: Scope, bytes: number, flags: Partial<NodeFlags> = {}): Promise<Lab> {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const path = join(nodeFolder(dir, 'owner'), 'a.bin')
  await writePseudoRandom(path, bytes)
  const start: Lab['start'] = async (name, flags) => await startNode(t, { name, tracker, dir, ...flags })
  const owner = await start('owner', flags)
  await owner.upload('a.bin')
  return { dir, tracker, owner, path, start }
}

/** @returns seconds until all of them have it */
async function fetchAll (nodes: NodeCommand[]): Promise<number> {
  const beginMs = performance.now()
  await Promise.all(nodes.map(async (node) => await node.download('a.bin')))
  return (performance.now() - beginMs) / 1_000
}

async function isRight (t: { equal: (found: unknown, wanted: unknown) => void }, { path }: Lab, nodes: NodeCommand[]): Promise<void> {
  for (const node of nodes) t.equal(await firstDifference(join(node.folder, 'a.bin'), path), undefined)
}

void t.test('--up: an owner sends no faster than that, to all of its downloaders together', async (t) => {
  const setting = await lab(t, 16 * MiB, { flags: ['--up', '16M'] })
  const first = await setting.start('first')
  const alone = await fetchAll([first])
  t.ok(alone >= 1 - BURST, `${alone} s for 16 MiB at 16 MiB/s`)
  await isRight(t, setting, [first])
  await first.leave()

  const others = [await setting.start('second'), await setting.start('third')]
  const together = await fetchAll(others)
  await isRight(t, setting, others)
  // Whoever has it all serves the other one.
  const fromOwner = others.map((node) => Number(/owner ([\d.]+) MiB/.exec(node.stdout)?.[1] ?? 0)).reduce((a, b) => a + b)
  t.ok(together >= fromOwner / 16 - BURST - 0.01, `${together} s for ${fromOwner} MiB at 16 MiB/s`)
})

void t.test('--down: a downloader takes in no faster than that, from all owners together', async (t) => {
  const setting = await lab(t, 16 * MiB)
  const second = await setting.start('second')
  await fetchAll([second])
  const slow = await setting.start('slow', { flags: ['--down', '16M'] })
  const seconds = await fetchAll([slow])
  t.match(slow.stdout, / from 2 owners: /)
  t.ok(seconds >= 1 - BURST, `${seconds} s for 16 MiB at 16 MiB/s`)
  await isRight(t, setting, [slow])
})

void t.test('a limit is lifted while a download that would take minutes runs', async (t) => {
  for (const direction of ['up', 'down'] as const) {
    await t.test(direction, async (t) => {
      const flags = [`--${direction}`, '64K']
      const setting = await lab(t, 16 * MiB, direction === 'up' ? { flags } : {})
      const fetcher = await setting.start('fetcher', { json: true, ...(direction === 'down' && { flags }) })
      const slow = direction === 'up' ? setting.owner : fetcher
      fetcher.say('torrent -m download a.bin')
      await fetcher.waitFor('"event":"progress"')
      fetcher.say('torrent status')
      await fetcher.waitFor('"event":"status"')
      const status = fetcher.events.find(({ event }) => event === 'status') as unknown as { fetching: Array<{ bytes: number }> }
      t.ok((status.fetching[0]?.bytes ?? Infinity) < 4 * MiB, 'it is slow')
      slow.say(`torrent limit ${direction} off`)
      await slow.waitFor(direction === 'up' ? 'limits: up off, down off' : '{"event":"limits"}')
      await fetcher.waitFor('"event":"saved"', { ms: 10_000 })
      await isRight(t, setting, [fetcher])
    })
  }
})

void t.test('a limit is set while a download runs, and at the least rate bytes still come', async (t) => {
  const setting = await lab(t, 32 * MiB, { flags: ['--up', '4M'] })
  const fetcher = await setting.start('fetcher', { json: true })
  fetcher.say('torrent -m download a.bin')
  await fetcher.waitFor('"event":"progress"')
  setting.owner.say('torrent limit up 1K')
  await setting.owner.waitFor('limits: up 1.00 KiB/s, down off')
  // What was under way has come after a moment; from then on it is a trickle.
  const seen: number[] = []
  for (let i = 0; i < 3; i++) {
    const since = fetcher.mark()
    const [, bytes] = await fetcher.waitFor(/"event":"progress".*"bytes":(\d+)(?:[^]*"event":"progress"){4}/, { since })
    seen.push(Number(bytes))
  }
  t.ok((seen[2] ?? Infinity) - (seen[1] ?? 0) < 64 * 1_024, seen.join())
  t.ok((seen[2] ?? 0) > (seen[1] ?? 0), seen.join())
  setting.owner.say('torrent limit up off')
  await fetcher.waitFor('"event":"saved"', { ms: 10_000 })
  await isRight(t, setting, [fetcher])
})

void t.test('limits are shown, and a mistyped one is told and changes nothing', async (t) => {
  const node = await startNode(t, { name: 'node', tracker: { host: '127.0.0.1', port: 1 }, dir: await tempDir(t), flags: ['--up', '1.5G', '--down', '800K'] })
  node.say('torrent limit')
  await node.waitFor('limits: up 1.50 GiB/s, down 800 KiB/s\n')
  for (const command of ['torrent limit up', 'torrent limit sideways 5M', 'torrent limit up 5M 5M', 'torrent limit up 0', 'torrent limit down -5M', 'torrent limit up 50MB']) {
    const since = node.mark()
    node.say(command)
    await node.waitFor(/^failed: E_USAGE .+\n/m, { since })
  }
  const since = node.mark()
  node.say('torrent limit down off', 'torrent status')
  await node.waitFor('\nlimits: up 1.50 GiB/s, down off\n', { since: { ...since, stdout: since.stdout - 1 } })
  await node.waitFor('\n  limits: up 1.50 GiB/s, down off\n', { since })
  t.equal(await node.leave(), 2)
})
