/** A worker thread that dies costs a try; one that dies again, the download. */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { giveName, type NameTask, type Naming } from '../../lib/disk/give-name.js'
import { digestPieces, type DigestTask } from '../../lib/disk/digest-pieces.js'
import type { DownloadContext } from '../../lib/download/context.js'
import { download, type Downloaded } from '../../lib/download/download.js'
import { claimNote } from '../../lib/disk/hidden.js'
import type { PartTask } from '../../lib/part/part-task.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { PartControl } from '../../lib/threads/part-control.js'
import { Slots } from '../../lib/download/slots.js'
import { DownloadTurns } from '../../lib/download/turns.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { DATA_PATHS } from '../helpers/ways.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, testDir, visibleFiles } from '../helpers/files.js'
import { TREES } from './trees.js'

/** Enough for two parts at once. */
const DATA = pseudoRandomBytes(9_500_000, 'worker death')

const SMALL = pseudoRandomBytes(5_000, 'worker death, small')

/** A file that somebody owns, and what a download of it needs but a thread. */
async function setUp (t: Test, data: Buffer, inWindows = true): Promise<{ folder: string, context: Omit<DownloadContext, 'fetchPart' | 'slots'> }> {
  const folder = testDir(t)
  const hiddenFolder = join(folder, '.piecemeal')
  await mkdir(hiddenFolder)
  const tracker = new Tracker({ port: 0 })
  const owner = await FakeOwner.start(t, { name: 'owner', tracker: await tracker.start() })
  t.teardown(async () => await tracker.close())
  const { size, digest, pieceLength } = await owner.share('a.bin', data)
  const context = {
    name: 'fetcher',
    target: join(folder, 'a.bin'),
    hiddenFolder,
    turn: await new DownloadTurns(1, 1).begin(new AbortController().signal),
    deadlines: DEADLINES,
    naming: { way: 'link', hiddenFolder } as const,
    inWindows,
    down: new RateLimit(),
    findOwners: async () => ({
      filename: 'a.bin', size, digest, pieceLength, owners: [{ name: 'owner', host: '127.0.0.1', inputPort: owner.inputPort, outputPort: owner.outputPort, complete: true }],
    }),
    giveName: async (task: NameTask) => giveName(task),
    digestPieces: async (task: DigestTask) => digestPieces(task),
    trees: TREES,
  }
  return { folder, context }
}

/** A download whose first `deaths` parts end as those of a thread that died: of one that has this id, or that had not begun. */
async function begin (t: Test, deaths: number, { threadId = 0, inWindows = true } = {}): Promise<{ folder: string, done: Promise<unknown>, tries: () => number, slots: Slots }> {
  const { folder, context } = await setUp(t, DATA, inWindows)
  let tries = 0
  const slots = new Slots(2)
  const done = download({ filename: 'a.bin', signal: new AbortController().signal }, {
    ...context,
    slots,
    fetchPart: async (task) => {
      if (tries++ < deaths) {
        new PartControl(task.control).threadId = threadId
        throw new PiecemealError('E_WORKER', 'a worker thread died: out of memory')
      }
      await fetchPart(task)
    },
  })
  return { folder, done, tries: () => tries, slots }
}

for (const { path, inWindows } of DATA_PATHS) {
  void t.test(`${path}: one that dies is replaced`, async (t) => {
    const { folder, done, tries } = await begin(t, 1, { inWindows })
    await done
    t.ok((await readFile(join(folder, 'a.bin'))).equals(DATA))
    t.ok(tries() >= 2)
  })
}

void t.test('one that dies with several parts in hand has died once', async (t) => {
  const { folder, done, tries } = await begin(t, 2, { threadId: 7 })
  await done
  t.ok((await readFile(join(folder, 'a.bin'))).equals(DATA))
  t.ok(tries() >= 4)
})

void t.test('one that dies again ends the download, and gives back its slots', async (t) => {
  const { folder, done, slots } = await begin(t, Infinity)
  await t.rejects(done, { code: 'E_WORKER' })
  t.strictSame(await visibleFiles(folder), [])
  slots.take()
  slots.take()
  t.notOk(slots.isFree)
})

/** A file of one piece whose thread does its work, and dies before or after it, as `first` says; the second one lives. */
async function beginSmall (t: Test, way: Naming['way'], first: (task: PartTask) => Promise<unknown>): Promise<{ folder: string, fetched: Promise<Downloaded> }> {
  const { folder, context } = await setUp(t, SMALL)
  let tries = 0
  const fetched = download({ filename: 'a.bin', signal: new AbortController().signal }, {
    ...context,
    naming: { ...context.naming, way },
    slots: new Slots(1),
    fetchPart: async (task) => {
      if (tries++ > 0) return await fetchPart(task)
      await first(task)
      throw new PiecemealError('E_WORKER', 'a worker thread died: killed')
    },
  })
  return { folder, fetched }
}

for (const way of ['link', 'move', 'claim'] as const) {
  void t.test(`one that dies after it has named the file, and before it could tell: by ${way}`, async (t) => {
    const { folder, fetched } = await beginSmall(t, way, fetchPart)
    const { identity } = await fetched
    t.ok((await readFile(join(folder, 'a.bin'))).equals(SMALL))
    t.equal(identity?.ino, (await stat(join(folder, 'a.bin'), { bigint: true })).ino)
    t.strictSame(await hiddenLeftovers(folder), [])
  })

  void t.test(`one that dies before it could name the file, and somebody takes the name: by ${way}`, async (t) => {
    const { folder, fetched } = await beginSmall(t, way, async (task) => {
      await fetchPart(task)
      await rm(join(folder, 'a.bin'))
      // The same bytes, but not our file.
      await writeFile(join(folder, 'a.bin'), SMALL)
    })
    await t.rejects(fetched, { code: 'E_EXISTS' })
  })
}

void t.test('one that dies between a claim and the rename', async (t) => {
  const { folder, fetched } = await beginSmall(t, 'claim', async ({ control, path, naming }) => {
    new PartControl(control).setFile({ ino: 1n, mtimeNs: 1n })
    await writeFile(claimNote(naming.hiddenFolder, path), '{"filename":"a.bin"}')
    await writeFile(join(folder, 'a.bin'), '')
  })
  await fetched
  t.ok((await readFile(join(folder, 'a.bin'))).equals(SMALL))
  t.strictSame(await hiddenLeftovers(folder), [])
})
