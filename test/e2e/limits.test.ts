/** Limits on what goes out and what comes in, with the commands as a user starts them. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { nodeFolder, startNode, type NodeCommand } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { MiB } from '../../lib/protocol/units.js'

/** What a node may be ahead of its rate, in seconds. */
const BURST = 0.05

/** A file for each time that a node fetches one: what it has already it would take from there. */
const NAMES = { up: ['up-1', 'up-2'], down: ['down'], lifted: ['lifted-up', 'lifted-down'], set: ['set'] }
const BYTES = 16 * MiB

const dir = await tempDir(t)
const tracker = await trackerHere(t)
const originals = nodeFolder(dir, 'owner')
for (const name of Object.values(NAMES).flat()) await writePseudoRandom(join(originals, name), BYTES, name)
/** Of all files, until all tests are over. */
const owner = await startNode(t, { name: 'owner', tracker, dir, flags: ['--up', '16M'] })
await owner.upload(...Object.values(NAMES).flat())

/** @returns seconds until all of them have it */
async function fetchAll (nodes: NodeCommand[], file: string): Promise<number> {
  const beginMs = performance.now()
  await Promise.all(nodes.map(async (node) => await node.download(file)))
  return (performance.now() - beginMs) / 1_000
}

async function isRight (t: Test, nodes: NodeCommand[], file: string): Promise<void> {
  for (const node of nodes) t.equal(await firstDifference(join(node.folder, file), join(originals, file)), undefined)
}

async function setLimit (node: NodeCommand, limit: string, told: string | RegExp): Promise<void> {
  const since = node.mark()
  node.say(`torrent limit ${limit}`)
  await node.waitFor(told, { since })
}

const [first, second] = await Promise.all(['first', 'second'].map(async (name) => await startNode(t, { name, tracker, dir, flags: ['--up', '1.5G'] }))) as [NodeCommand, NodeCommand]
const json = await startNode(t, { name: 'json', tracker, dir, json: true })

await t.test('--up: an owner sends no faster than that, to all of its downloaders together', async (t) => {
  const alone = await fetchAll([first], 'up-1')
  t.ok(alone >= 1 - BURST, `${alone} s for 16 MiB at 16 MiB/s`)
  const together = await fetchAll([first, second], 'up-2')
  await isRight(t, [first, second], 'up-2')
  // Whoever has it all serves the other one.
  const fromOwner = (await Promise.all([first, second].map(async (node) => await node.saved('up-2')))).map((line) => Number(/owner ([\d.]+) MiB/.exec(line)?.[1] ?? 0)).reduce((a, b) => a + b)
  t.ok(together >= fromOwner / 16 - BURST - 0.01, `${together} s for ${fromOwner} MiB at 16 MiB/s`)
})

await t.test('--down: a downloader takes in no faster than that, from all owners together', async (t) => {
  await setLimit(owner, 'up off', 'limits: up off, down off')
  await fetchAll([first], 'down')
  const slow = await startNode(t, { name: 'slow', tracker, dir, flags: ['--down', '16M'] })
  const seconds = await fetchAll([slow], 'down')
  t.match(slow.stdout, / from 2 owners: /)
  t.ok(seconds >= 1 - BURST, `${seconds} s for 16 MiB at 16 MiB/s`)
  await isRight(t, [slow], 'down')
})

for (const direction of ['up', 'down'] as const) {
  await t.test(`a limit is lifted while a download that would take minutes runs: ${direction}`, async (t) => {
    const [slow, limits] = direction === 'up' ? [owner, /^limits: .*\n/m] : [json, /"event":"limits".*\n/]
    await setLimit(slow, `${direction} 64K`, limits)
    const since = json.mark()
    json.say(`torrent -m download lifted-${direction}`)
    await json.waitFor('"event":"progress"', { since })
    json.say('torrent status')
    const [, bytes] = await json.waitFor(/"event":"status".*"fetching":\[\{"file":"lifted-[^}]*"bytes":(\d+)/, { since })
    t.ok(Number(bytes) < 4 * MiB, 'it is slow')
    await setLimit(slow, `${direction} off`, limits)
    await json.waitFor('"event":"saved"', { since, ms: 10_000 })
    await isRight(t, [json], `lifted-${direction}`)
  })
}

await t.test('a limit is set while a download runs, and at the least rate bytes still come', async (t) => {
  await setLimit(owner, 'up 4M', 'limits: up 4.00 MiB/s, down off')
  const begin = json.mark()
  json.say('torrent -m download set')
  await json.waitFor('"event":"progress"', { since: begin })
  await setLimit(owner, 'up 1K', 'limits: up 1.00 KiB/s, down off')
  // What was under way has come after a moment; from then on it is a trickle.
  const seen: number[] = []
  for (let i = 0; i < 3; i++) {
    const since = json.mark()
    const [, bytes] = await json.waitFor(/"event":"progress".*"bytes":(\d+)(?:[^]*"event":"progress"){4}/, { since })
    seen.push(Number(bytes))
  }
  t.ok((seen[2] ?? Infinity) - (seen[1] ?? 0) < 64 * 1_024, seen.join())
  t.ok((seen[2] ?? 0) > (seen[1] ?? 0), seen.join())
  await setLimit(owner, 'up off', 'limits: up off, down off')
  await json.waitFor('"event":"saved"', { since: begin, ms: 10_000 })
  await isRight(t, [json], 'set')
})

await t.test('limits are shown, and a mistyped one is told and changes nothing', async (t) => {
  await setLimit(first, '', 'limits: up 1.50 GiB/s, down off\n')
  await setLimit(first, 'down 800K', 'limits: up 1.50 GiB/s, down 800 KiB/s\n')
  for (const limit of ['up', 'sideways 5M', 'up 5M 5M', 'up 0', 'down -5M', 'up 50MB']) await setLimit(first, limit, /^failed: E_USAGE .+\n/m)
  const since = first.mark()
  first.say('torrent limit down off', 'torrent status')
  await first.waitFor(/^limits: up 1.50 GiB\/s, down off\n/m, { since })
  await first.waitFor('\n  limits: up 1.50 GiB/s, down off\n', { since })
  t.equal(await first.leave(), 2)
})
