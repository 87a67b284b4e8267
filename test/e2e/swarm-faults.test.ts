/** Six owners, of which a seeded random third goes wrong in the middle, and three downloaders at once: every download is right. */
import { link, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FakeOwner, type Behaviour } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { nodeFolder, startNode, type NodeCommand } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { bothWays, DATA_PATHS } from '../helpers/ways.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZE = 32 * MiB
/** One is a command; the others speak by hand, as the faulty ones do until they go wrong. */
const HONEST = 4
const FAULTY = 2
const DOWNLOADERS = 3

const seed = chooseSeed()

for (const { what, flags, secret } of await bothWays(t)) {
  void t.test(`${what}: a third of the owners goes wrong: PIECEMEAL_SEED=${seed}`, async (t) => {
    const dir = await tempDir(t)
    const tracker = await trackerHere(t, { secret })
    const original = join(dir, 'original')
    const data = pseudoRandomBytes(SIZE, 'swarm')
    await writeFile(original, data)

    for (const file of ['calm.bin', 'rough.bin']) await link(original, join(nodeFolder(dir, 'honest'), file))
    await (await startNode(t, { name: 'honest', tracker, dir, flags })).upload('calm.bin', 'rough.bin')
    const owners = await Promise.all(Array.from({ length: HONEST - 1 + FAULTY }, async (_, i) => await FakeOwner.start(t, { name: `owner${i}`, tracker, secret })))
    for (const owner of owners) {
      await owner.share('calm.bin', data)
      await owner.share('rough.bin', data)
    }
    const downloaders = await Promise.all(Array.from({ length: DOWNLOADERS }, async (_, i) => await startNode(t, { name: `downloader${i}`, tracker, dir, flags: [...flags, ...(DATA_PATHS[i % 2]?.pathFlags ?? [])] })))

    const calmMs = await fetchAll(downloaders, 'calm.bin')
    const random = seededRandom(seed)
    const faults = owners.slice(0, FAULTY).map((owner) => goWrong(owner, random))
    const roughMs = await fetchAll(downloaders, 'rough.bin')

    t.comment(`${faults.join(', ')}; calm ${calmMs.join(' ')} ms, rough ${roughMs.join(' ')} ms`)
    const mostMs = 3 * Math.max(...calmMs) + 20_000
    for (const [i, downloader] of downloaders.entries()) {
      t.ok((await readFile(join(downloader.folder, 'rough.bin'))).equals(data))
      t.ok((roughMs[i] ?? Infinity) <= mostMs, `${roughMs[i]} ms of at most ${mostMs}`)
      t.strictSame(await hiddenLeftovers(downloader.folder), [])
      t.equal(await downloader.leave(), 0)
    }
  })
}

/** Makes an owner go wrong somewhere within the first MiB or so of each range. @returns how */
function goWrong (fake: FakeOwner, random: () => number): string {
  const bytes = Math.floor(random() * 2 * MiB)
  const faults: Record<string, Behaviour> = {
    dies: { stopAfter: { bytes, how: 'stall' } },
    stalls: { stopAfter: { bytes, how: 'stall' } },
    truncates: { stopAfter: { bytes, how: 'end' } },
    lies: {},
    trickles: { chunkBytes: 512, chunkDelayMs: 100 },
  }
  const names = Object.keys(faults)
  const fault = names[Math.floor(random() * names.length)] ?? ''
  Object.assign(fake.behaviour, faults[fault])
  if (fault === 'dies') fake.once('stopped', () => fake.close())
  if (fault === 'lies') fake.on('request', ({ start, end }) => { fake.behaviour.corruptAt = start + Math.floor(random() * (end - start)) })
  return fault
}

/** How long each took, in milliseconds. */
async function fetchAll (downloaders: readonly NodeCommand[], file: string): Promise<number[]> {
  return await Promise.all(downloaders.map(async (downloader) => {
    const startMs = performance.now()
    downloader.say(`torrent -m download ${file}`)
    await downloader.waitFor(`saved ${file} `, { ms: 60_000 })
    return Math.round(performance.now() - startMs)
  }))
}
