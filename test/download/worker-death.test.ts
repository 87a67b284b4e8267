/** A worker thread that dies costs a try; one that dies again, the download. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import type { DownloadContext } from '../../lib/download/context.js'
import { download } from '../../lib/download/download.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { PartControl } from '../../lib/threads/part-control.js'
import { Slots } from '../../lib/download/slots.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { pseudoRandomBytes, visibleFiles } from '../helpers/files.js'

/** Enough for two parts at once. */
const DATA = pseudoRandomBytes(9_500_000, 'worker death')

/** A download whose first `deaths` parts end as those of a thread that died: of one that has this id, or that had not begun. */
async function begin (t: Test, deaths: number, threadId = 0): Promise<{ folder: string, done: Promise<unknown>, tries: () => number, slots: Slots }> {
  const folder = t.testdir({})
  const hiddenFolder = join(folder, '.piecemeal')
  await mkdir(hiddenFolder)
  const tracker = new Tracker({ port: 0 })
  const owner = await FakeOwner.start(t, { name: 'owner', tracker: await tracker.start() })
  t.teardown(async () => await tracker.close())
  const { size, digest, pieceLength } = await owner.share('a.bin', DATA)
  let tries = 0
  const slots = new Slots(2)
  const context: DownloadContext = {
    name: 'fetcher',
    folder,
    hiddenFolder,
    slots,
    deadlines: DEADLINES,
    down: new RateLimit(),
    findOwners: async () => ({
      filename: 'a.bin', size, digest, pieceLength, owners: [{ name: 'owner', host: '127.0.0.1', inputPort: owner.inputPort, outputPort: owner.outputPort, complete: true }],
    }),
    fetchPart: async (task) => {
      if (tries++ < deaths) {
        new PartControl(task.control).threadId = threadId
        throw new PiecemealError('E_WORKER', 'a worker thread died: out of memory')
      }
      await fetchPart(task)
    },
    digestPieces: async (task) => digestPieces(task),
  }
  const done = download({ filename: 'a.bin', signal: new AbortController().signal }, context)
  return { folder, done, tries: () => tries, slots }
}

void t.test('one that dies is replaced', async (t) => {
  const { folder, done, tries } = await begin(t, 1)
  await done
  t.ok((await readFile(join(folder, 'a.bin'))).equals(DATA))
  t.ok(tries() >= 2)
})

void t.test('one that dies with several parts in hand has died once', async (t) => {
  const { folder, done, tries } = await begin(t, 2, 7)
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
