/** Long and lossy links: what is fetched over them arrives, and a small file in as few round trips as there can be. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Command } from '../helpers/command.js'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { Network, type Host, type Link } from '../helpers/network.js'
import { NODE_BIN, nodeFolder, TRACKER_BIN } from '../helpers/piecemeal.js'
import { MiB } from '../../lib/protocol/units.js'
import { lineOf } from './namespaces.js'

/** So long that whatever else a machine does is short beside it, and shorter than TCP waits for a first answer. */
const RTT_MS = 600
/** The tracker is asked, a connection is made, and the file comes on it. */
const ROUND_TRIPS = 3

interface Site {
  node: Command
  /** Where a file has come from, and where it has gone. */
  paths: (file: string) => [string, string]
}

/** An owner of files, and a node at the end of that link: everybody else is at its other end. */
async function setUp (t: Test, link: Link, files: Readonly<Record<string, number>>): Promise<Site> {
  const network = new Network()
  t.teardown(() => network.close())
  const [one, two, three] = [await network.host(), await network.host(), await network.host(link)]
  const dir = await tempDir(t)
  const tracker = on(t, one, TRACKER_BIN, '--host', one.address, '--insecure')
  await lineOf(tracker, 'tracker listening')
  const [from, to] = [nodeFolder(dir, 'Owner'), join(dir, 'Node')]
  const nodeFlags = (name: string, { address }: Host): string[] => ['-n', name, '-d', dir, '--host', address, '-t', one.address, '--insecure']
  const sharing = on(t, two, NODE_BIN, ...nodeFlags('Owner', two))
  for (const [file, bytes] of Object.entries(files)) {
    await writePseudoRandom(join(from, file), bytes)
    sharing.say(`torrent -m upload ${file}`)
    await lineOf(sharing, `sharing ${file} (`)
  }
  const node = on(t, three, NODE_BIN, ...nodeFlags('Node', three))
  await lineOf(node, `tracker ${one.address}:12340 connected`)
  return { node, paths: (file) => [join(from, file), join(to, file)] }
}

function on (t: Test, host: Host, ...argv: [string, ...string[]]): Command {
  const [program, ...args] = host.argv(argv)
  return new Command(t, program, args)
}

await t.test('a file of one piece takes no more round trips than it must', { timeout: 60_000 }, async (t) => {
  const { node, paths } = await setUp(t, { rttMs: RTT_MS }, { first: 1_024, second: 4_096 })
  // Whatever the first download of a node has to load is loaded then.
  node.say('torrent -m download first')
  await lineOf(node, 'saved first (')
  const startMs = performance.now()
  node.say('torrent -m download second')
  await lineOf(node, 'saved second (')
  t.equal(Math.floor((performance.now() - startMs) / RTT_MS), ROUND_TRIPS)
  t.equal(await firstDifference(...paths('second')), undefined)
})

await t.test('over a link that is long and loses packets', { timeout: 90_000 }, async (t) => {
  const { node, paths } = await setUp(t, { mbit: 100, rttMs: 150, lossPercent: 1 }, { file: 6 * MiB + 5 })
  node.say('torrent -m download file')
  await node.waitFor(/^saved file \(/m, { ms: 60_000 })
  t.notMatch(node.stderr, 'failed')
  t.equal(await firstDifference(...paths('file')), undefined)
})
