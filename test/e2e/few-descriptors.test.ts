/** Nodes and trackers that may open few files, as in small containers and by old defaults: all goes on, only with fewer threads, streams and connections. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Command } from '../helpers/command.js'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { Peer } from '../net/peer.js'
import { NODE_BIN, nodeFolder, startNode, TRACKER_BIN } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { MiB } from '../../lib/protocol/units.js'

const FILES = Array.from({ length: 8 }, (_, i) => `file-${i}`)

const tracker = await trackerHere(t)
const dir = await tempDir(t)

/** The command of a node, with so many descriptors. */
function withDescriptors (most: number): string {
  const path = join(dir, `node-with-${most}`)
  writeFileSync(path, `#!/bin/sh\nexec prlimit --nofile=${most}:${most} '${NODE_BIN}' "$@"\n`, { mode: 0o755 })
  return path
}

await t.test('an owner of more files than it may open, asked for eight at once by three nodes', async (test) => {
  const folder = nodeFolder(dir, 'owner')
  const many = Array.from({ length: 100 }, (_, i) => `small-${i}`)
  for (const file of FILES) await writePseudoRandom(join(folder, file), 3 * MiB, file)
  for (const file of many) await writePseudoRandom(join(folder, file), 1_000, file)
  // Until all tests are over.
  const owner = await startNode(t, { name: 'owner', tracker, dir, bin: withDescriptors(64) })
  await owner.upload(...FILES, ...many)
  const fetchers = await Promise.all([1, 2, 3].map(async (i) => await startNode(test, { name: `fetcher${i}`, tracker, dir })))
  await Promise.all(fetchers.map(async (fetcher) => await fetcher.download(...FILES)))
  for (const fetcher of fetchers) {
    for (const file of FILES) test.equal(await firstDifference(join(fetcher.folder, file), join(folder, file)), undefined)
  }
  await Promise.all(fetchers.map(async (fetcher) => await fetcher.leave()))
})

await t.test('eight downloads at once, with as good as no descriptor left', async (t) => {
  const few = await startNode(t, { name: 'few', tracker, dir, bin: withDescriptors(44) })
  await few.download(...FILES)
  for (const file of FILES) t.equal(await firstDifference(join(few.folder, file), join(dir, 'owner', file)), undefined)
})

for (const most of [40, 64]) {
  await t.test(`a tracker with ${most} descriptors: who is one too many is told to come again, and its user why`, async (t) => {
    const few = new Command(t, 'prlimit', [`--nofile=${most}:${most}`, TRACKER_BIN, '-p', '0'])
    const [, port] = await few.waitFor(/^tracker listening on .+:(\d+)\n/)
    for (let i = 0; i < most; i++) {
      const peer = await Peer.connect(t, { port: Number(port) })
      const { ok, error } = await peer.ask({ type: 'NodeToTracker', mode: 'alive', name: `node-${i}` })
      if (ok === true) continue
      t.match(error, { code: 'E_BUSY' })
      t.ok(i > 4, `${i} are there`)
      await few.waitFor('connections are turned away: out of file descriptors, raise ulimit -n')
      return
    }
    t.fail('it can\'t have as many connections as descriptors')
  })
}
