import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { FolderShares } from '../../lib/share/folder-shares.js'
import { PartialShare, PartialShares } from '../../lib/share/partial-share.js'
import { ShareIndex } from '../../lib/share/share-index.js'
import { UploadThread } from '../../lib/share/upload-thread.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { StreamCount } from '../../lib/threads/stream-count.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { Peer, WAIT_MS } from '../net/peer.js'
import { shareOf } from './shares.js'
import { MiB } from '../../lib/protocol/units.js'

const HOST = '127.0.0.1'

interface Threads {
  folder: string
  thread: UploadThread
  shares: ShareIndex
  partials: PartialShares
  errors: Error[]
  /** Does what starts a thread, and waits until that runs. */
  started: (work: () => unknown) => Promise<Worker>
}

function uploadThread (t: Pick<Test, 'testdir' | 'teardown'>): Threads {
  const folder = t.testdir({ shared: 'shared bytes' })
  const shares = new ShareIndex()
  const partials = new PartialShares()
  const errors: Error[] = []
  const unwanted = (): never => { throw new Error('unwanted') }
  const thread = new UploadThread({
    up: new RateLimit().buffer,
    streams: new StreamCount(1).buffer,
    deadlines: DEADLINES,
    maxConnections: 100,
    maxStreams: 10,
    onChanged: unwanted,
    onSuspect: unwanted,
    onUnreadable: unwanted,
    onError: (error) => errors.push(error),
    onFolder: unwanted,
    offered: () => ({ shares, folders: new FolderShares(), partials }),
  })
  t.teardown(async () => await thread.close())
  return {
    folder,
    thread,
    shares,
    partials,
    errors,
    started: async (work) => {
      const begun = new Promise<Worker>((resolve) => { process.once('worker', resolve) })
      work()
      const worker = await begun
      await once(worker, 'online', { signal: AbortSignal.timeout(WAIT_MS) })
      return worker
    },
  }
}

/** Asks until there is somebody who answers. */
async function fetch (t: Test, port: number, request: object): Promise<Buffer> {
  const deadline = AbortSignal.timeout(WAIT_MS)
  for (;;) {
    const peer = await Peer.connect(t, { port }).catch((error: unknown) => {
      if (deadline.aborted) throw error
    })
    if (peer === undefined) continue
    peer.send({ type: 'FileCommunication', ...request })
    const reply = await peer.message()
    // It listens before it has been given all that is offered.
    if (!('error' in reply)) return await peer.rest()
    if (deadline.aborted) throw new Error(JSON.stringify(reply))
  }
}

void t.test('a thread that dies is started again, and serves what it served before', async (t) => {
  const { folder, thread, shares, partials, errors, started } = uploadThread(t)
  const listening: { address?: Promise<{ port: number }> } = {}
  const worker = await started(() => { listening.address = thread.listen({ host: HOST, port: 0 }) })
  const { port = 0 } = await listening.address ?? {}
  const share = await shareOf(folder, 'shared')
  shares.add(share)
  await thread.add(share)
  const data = pseudoRandomBytes(3 * MiB, 'a part')
  const { pieces, ...content } = { filename: 'part', ...contentOf(data) }
  const partial = new PartialShare(content, pieces)
  partials.add(partial)
  const run = { firstPiece: 1, endPiece: 3, path: join(folder, 'a.part'), originPiece: 1 }
  writeFileSync(run.path, data.subarray(MiB))
  partial.place(run)
  await thread.place(content, run)

  const again = started(async () => await worker.terminate())
  // What is shared while there is none is served as well.
  writeFileSync(join(folder, 'meanwhile'), 'more bytes')
  const meanwhile = await shareOf(folder, 'meanwhile')
  shares.add(meanwhile)
  await thread.add(meanwhile)
  t.strictSame(await thread.uploads(), [])
  await again
  t.equal((await fetch(t, port, { filename: 'shared', digest: share.digest, range: [0, 6] })).toString(), 'shared')
  t.equal((await fetch(t, port, { filename: 'meanwhile', digest: meanwhile.digest, range: [0, 4] })).toString(), 'more')
  t.ok((await fetch(t, port, { filename: 'part', digest: content.digest, range: [MiB, 3 * MiB] })).equals(data.subarray(MiB)))
  t.match(errors, [{ code: 'E_WORKER', message: /^the thread that serves uploads died/ }])
  t.equal(errors.length, 1, 'told once')
})

void t.test('a thread that was to end is not started again', async (t) => {
  const { thread, errors, started } = uploadThread(t)
  const worker = await started(() => { thread.listen({ host: HOST, port: 0 }).catch(() => {}) })
  await thread.drain()
  process.once('worker', () => t.fail('another one'))
  await worker.terminate()
  await t.resolves(thread.drain())
  await t.resolves(thread.close())
  t.strictSame(errors, [])
})
