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
/** The tracker is asked, the owner's ports are dialled, it says what it has, and the file comes. */
const FROM_A_STRANGER = 4
/** The tracker is asked, and the file comes: the connections are there. */
const FROM_AN_ACQUAINTANCE = 2

interface Site {
  node: Command
  /** Where a file has come from, and where it has gone. */
  paths: (file: string) => [string, string]
}

/** An owner of each of these groups of files, and a node at the end of that link: everybody else is at its other end. */
async function setUp (t: Test, link: Link, ...owners: Array<Readonly<Record<string, number>>>): Promise<Site> {
  const network = new Network()
  t.teardown(() => network.close())
  const [first, last] = [await network.host(), await network.host(link)]
  const dir = await tempDir(t)
  const tracker = on(t, first, TRACKER_BIN, '--host', first.address, '--insecure')
  await lineOf(tracker, 'tracker listening')
  const nodeFlags = (name: string, { address }: Host): string[] => ['-n', name, '-d', dir, '--host', address, '-t', first.address, '--insecure']
  const folders: Record<string, string> = {}
  for (const [number, files] of owners.entries()) {
    const name = `Owner${number}`
    const host = await network.host()
    const sharing = on(t, host, NODE_BIN, ...nodeFlags(name, host))
    for (const [file, bytes] of Object.entries(files)) {
      folders[file] = nodeFolder(dir, name)
      await writePseudoRandom(join(folders[file], file), bytes)
      sharing.say(`torrent -m upload ${file}`)
      await lineOf(sharing, `sharing ${file} (`)
    }
  }
  const node = on(t, last, NODE_BIN, ...nodeFlags('Node', last))
  await lineOf(node, `tracker ${first.address}:12340 connected`)
  return { node, paths: (file) => [join(folders[file] ?? '', file), join(dir, 'Node', file)] }
}

function on (t: Test, host: Host, ...argv: [string, ...string[]]): Command {
  const [program, ...args] = host.argv(argv)
  return new Command(t, program, args)
}

await t.test('a file of one piece takes no more round trips than it must', { timeout: 60_000 }, async (t) => {
  const { node, paths } = await setUp(t, { rttMs: RTT_MS }, { first: 1_024 }, { second: 4_096, third: 4_095 })
  const fetchInTrips = async (file: string): Promise<number> => {
    const startMs = performance.now()
    node.say(`torrent -m download ${file}`)
    await lineOf(node, `saved ${file} (`)
    t.equal(await firstDifference(...paths(file)), undefined)
    return Math.floor((performance.now() - startMs) / RTT_MS)
  }
  // Whatever the first download of a node has to load is loaded then.
  await fetchInTrips('first')
  t.equal(await fetchInTrips('second'), FROM_A_STRANGER)
  t.equal(await fetchInTrips('third'), FROM_AN_ACQUAINTANCE)
})

await t.test('over a link that is long and loses packets', { timeout: 90_000 }, async (t) => {
  const { node, paths } = await setUp(t, { mbit: 100, rttMs: 150, lossPercent: 1 }, { file: 6 * MiB + 5 })
  node.say('torrent -m download file')
  await node.waitFor(/^saved file \(/m, { ms: 60_000 })
  t.notMatch(node.stderr, 'failed')
  t.equal(await firstDifference(...paths('file')), undefined)
})
