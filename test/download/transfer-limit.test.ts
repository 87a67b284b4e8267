/** How many streams a download opens under a limit, with parts that come by themselves. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { giveName } from '../../lib/disk/give-name.js'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { download } from '../../lib/download/download.js'
import { PartControl } from '../../lib/threads/part-control.js'
import { Slots } from '../../lib/download/slots.js'
import { DownloadTurns } from '../../lib/download/turns.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { bytesOfPieces } from '../../lib/protocol/content.js'
import { KiB, MiB } from '../../lib/protocol/units.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'
import { TREES } from './trees.js'

const DATA = pseudoRandomBytes(16 * MiB, 'transfer limit')

/** The most parts that were fetched at once from four owners. */
async function mostStreams (t: Test, bytesPerSecond: number | undefined): Promise<number> {
  const folder = testDir(t)
  const hiddenFolder = join(folder, '.piecemeal')
  await mkdir(hiddenFolder)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const owners = await Promise.all([1, 2, 3, 4].map(async (i) => await FakeOwner.start(t, { name: `owner${i}`, tracker: address })))
  const [file] = await Promise.all(owners.map(async (owner) => await owner.share('a.bin', DATA)))
  if (file === undefined) throw new Error('nobody shares it')
  const down = new RateLimit()
  down.bytesPerSecond = bytesPerSecond
  let [running, most] = [0, 0]
  await download({ filename: 'a.bin', signal: new AbortController().signal }, {
    name: 'fetcher',
    target: join(folder, 'a.bin'),
    hiddenFolder,
    naming: { way: 'link', hiddenFolder },
    inWindows: false,
    slots: new Slots(8),
    turn: await new DownloadTurns(1, 1).begin(new AbortController().signal),
    down,
    deadlines: DEADLINES,
    findOwners: async () => ({ ...file, owners: owners.map(({ name, inputPort, outputPort }) => ({ name, host: '127.0.0.1', inputPort, outputPort, complete: true })) }),
    fetchPart: async (task) => {
      t.match(task, { name: 'fetcher', down: down.buffer })
      most = Math.max(most, ++running)
      const { start, end } = bytesOfPieces(task, task.firstPiece, task.endPiece)
      // All that are started together are counted before the first one is written.
      await writeFile(task.path, DATA.subarray(start, end))
      new PartControl(task.control).verifiedPiece = task.endPiece
      running--
    },
    giveName: async (task) => giveName(task),
    digestPieces: async (task) => digestPieces(task),
    trees: TREES,
  })
  t.ok((await readFile(join(folder, 'a.bin'))).equals(DATA))
  return most
}

await t.test('without a limit, or with a high one, as many streams as a download begins with', async (t) => {
  t.equal(await mostStreams(t, undefined), 2)
  t.equal(await mostStreams(t, 50 * MiB), 2)
})

await t.test('with a low limit, no more than are worth it, and never none', async (t) => {
  t.equal(await mostStreams(t, KiB), 1)
})
