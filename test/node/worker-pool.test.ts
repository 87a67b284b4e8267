import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { blake3 } from '@napi-rs/blake-hash'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { contentDigest } from '../../lib/content/digest.js'
import { PartControl } from '../../lib/threads/part-control.js'
import type { PartTask } from '../../lib/part/part-task.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { WorkerPool } from '../../lib/node/worker-pool.js'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'

const HOST = '127.0.0.1'
const DATA = pseudoRandomBytes(10_000, 'worker pool')

/** An owner that sends the header back that it is asked with, and the data, or keeps silent. */
async function listen (t: Test, isSilent = false): Promise<Server> {
  const server = createServer((socket) => {
    if (!isSilent) socket.once('data', (request) => socket.end(Buffer.concat([request, DATA])))
    socket.on('error', () => {})
  })
  t.teardown(() => server.close())
  server.listen(0, HOST)
  await once(server, 'listening')
  return server
}

function taskFor (folder: string, name: string, server: Server): PartTask {
  return {
    filename: name,
    name: 'NodeC',
    size: DATA.length,
    digest: contentDigest(DATA.length, MiB, blake3(DATA)),
    pieceLength: MiB,
    owner: { host: HOST, port: (server.address() as AddressInfo).port },
    firstPiece: 0,
    endPiece: 1,
    isPatient: false,
    pieces: undefined,
    path: join(folder, `${name}.part`),
    offsets: Float64Array.of(0, DATA.length),
    ranges: [{ start: 0, end: DATA.length }],
    origin: 0,
    isWindow: false,
    isBlank: true,
    target: join(folder, name),
    naming: { way: 'link', hiddenFolder: folder },
    control: PartControl.forPart(0, 1).buffer,
    deadlines: DEADLINES,
    down: new RateLimit().buffer,
  }
}

await t.test('threads that are only just starting are ended once they have loaded their code', async (t) => {
  const started: Worker[] = []
  const loaded = new Set<unknown>()
  const onWorker = (worker: Worker): void => {
    started.push(worker)
    worker.on('message', () => loaded.add(worker))
  }
  process.on('worker', onWorker)
  t.teardown(() => process.off('worker', onWorker))
  // As long as it takes: the machine may be busy.
  const pool = new WorkerPool(undefined, undefined, 60_000)
  await pool.close()
  t.equal(loaded.size, started.length)
  t.ok(started.length > 0)
})

await t.test('more files of one piece at once than there are threads for them, and one that is stuck', async (t) => {
  const pool = new WorkerPool()
  t.teardown(async () => await pool.close())
  const folder = await tempDir(t)
  const [owner, silent] = [await listen(t), await listen(t, true)]
  const { signal } = new AbortController()
  const names = Array.from({ length: 8 }, (_, i) => `file-${i}`)
  const files = await Promise.all(names.map(async (name) => await pool.fetchPart(taskFor(folder, name, owner), signal)))
  for (const [i, name] of names.entries()) {
    t.ok((await readFile(join(folder, name))).equals(DATA))
    t.equal(files[i]?.identity.size, BigInt(DATA.length))
    t.ok(files[i]?.pieces.equals(blake3(DATA)))
  }

  const stuck = new AbortController()
  const asked = once(silent, 'connection')
  const fetched = pool.fetchPart(taskFor(folder, 'stuck', silent), stuck.signal)
  await asked
  stuck.abort()
  await t.rejects(fetched, { code: 'E_WORKER' })
  await pool.fetchPart(taskFor(folder, 'next', owner), signal)
  t.ok((await readFile(join(folder, 'next'))).equals(DATA), 'the pool is whole')
})
