/** One part from an owner of the test's own: over TLS it takes another way into the file than over plain TCP. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { blake3 } from '@napi-rs/blake-hash'
import t, { type Test } from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { contentDigest } from '../../lib/content/digest.js'
import { FileLayout, offsetsOf } from '../../lib/content/layout.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { PartControl } from '../../lib/threads/part-control.js'
import type { PartTask } from '../../lib/part/part-task.js'
import { Listener } from '../../lib/net/listener.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { toErrorData } from '../../lib/protocol/errors.js'
import { fileRefusal } from '../../lib/protocol/file-communication.js'
import { encodeLine } from '../../lib/protocol/line.js'
import { LineReader } from '../../lib/net/line-reader.js'
import { credentialsFor, deriveKeys, type Secret } from '../../lib/secret/keys.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { HOST, WAIT_MS } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'

const PIECES = 4
const BYTES = (PIECES - 1) * MiB + 12_345
const DATA = pseudoRandomBytes(BYTES, 'part')
const DIGESTS = Buffer.concat(Array.from({ length: PIECES }, (_, i) => blake3(DATA.subarray(i * MiB, (i + 1) * MiB))))
const OURS: Secret = { current: deriveKeys(Buffer.from('the secret of this network')) }
const OLD: Secret = { current: deriveKeys(Buffer.from('the secret it had before')) }

interface Fetching {
  fetched: Promise<unknown>
  control: PartControl
  path: string
}

/** A part that is fetched from an owner, which answers the request with its header and then does what it is told. */
async function fetching (t: Test, serve: (socket: Socket, control: PartControl) => Promise<void>, { theirs, ours, isSilent = false, file = {} }: { theirs?: Secret | undefined, ours?: Secret | undefined, isSilent?: boolean, file?: Partial<Pick<PartTask, 'path' | 'origin' | 'isWindow'>> }, deadlines: PartTask['deadlines'] = DEADLINES): Promise<Fetching> {
  const content = { size: BYTES, digest: contentDigest(BYTES, MiB, DIGESTS), pieceLength: MiB }
  const control = PartControl.forPart(0, PIECES)
  const listener = new Listener({
    onConnection: (socket) => {
      new LineReader(socket).next().then(async (line) => {
        if (!isSilent) socket.write(`${line.toString()}\n`)
        await serve(socket, control)
      }).catch((error: unknown) => socket.end(encodeLine(fileRefusal(toErrorData(error)))))
    },
    credentials: theirs && credentialsFor('data', theirs),
  })
  t.teardown(async () => await listener.close())
  const owner = await listener.listen({ host: HOST, port: 0 })
  const { path = join(await tempDir(t), 'part'), origin = 0, isWindow = false } = file
  const credentials: PartTask['credentials'] = ours && { ...credentialsFor('data', ours), name: 'NodeC' }
  const fetched = fetchPart({ ...content, filename: 'file', name: 'NodeC', deadlines, down: new RateLimit().buffer, owner, credentials, firstPiece: 0, endPiece: PIECES, isPatient: false, offsets: offsetsOf(new FileLayout(BYTES, MiB), { firstPiece: 0, endPiece: PIECES }), ranges: [{ start: 0, end: BYTES }], pieces: DIGESTS, path, origin, isWindow, isBlank: true, naming: { way: 'link', hiddenFolder: dirname(path) }, control: control.buffer })
  fetched.catch(() => {})
  return { fetched, control, path }
}

/** Looks again and again: the worker tells by shared memory alone. */
async function untilReceived (control: PartControl, bytes: number): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (control.receivedBytes < bytes) {
    if (performance.now() > deadlineMs) throw new Error(`${control.receivedBytes} of ${bytes} bytes came`)
    await sleep(10)
  }
}

for (const [way, secrets] of [['plain', {}], ['with a secret', { theirs: OURS, ours: OURS }]] as const) {
  await t.test(way, async (t) => {
    await t.test('all at once', async (t) => {
      const { fetched, control, path } = await fetching(t, async (socket) => { socket.end(DATA) }, secrets)
      await fetched
      t.ok(DATA.equals(await readFile(path)))
      t.match(control, { verifiedPiece: PIECES, receivedBytes: BYTES })
    })

    await t.test('a header line as long as any reply may be', async (t) => {
      const header = { type: 'FileCommunication', filename: 'file', digest: contentDigest(BYTES, MiB, DIGESTS), range: [0, BYTES], later: 'x'.repeat(200_000) }
      const { fetched } = await fetching(t, async (socket) => {
        socket.write(`${JSON.stringify(header)}\n`)
        socket.end(DATA)
      }, { ...secrets, isSilent: true })
      await t.resolves(fetched)
    })

    await t.test('four at once in one thread, none of which spoils the bytes of another', async (t) => {
      const parts = await Promise.all([1, 2, 3, 4].map(async () => await fetching(t, async (socket) => { socket.end(DATA) }, secrets)))
      for (const { fetched, path } of parts) {
        await fetched
        t.ok(DATA.equals(await readFile(path)))
      }
    })

    await t.test('in chunks of any size, each waited for', async (t) => {
      const { fetched, path } = await fetching(t, async (socket, control) => {
        let sent = 0
        for (const bytes of [1, 16_383, 16_385, 100_000, MiB - 5, 3, 40_000, 1, MiB + 1]) {
          socket.write(DATA.subarray(sent, sent += bytes))
          await untilReceived(control, sent)
        }
        socket.end(DATA.subarray(sent))
      }, secrets)
      await fetched
      t.ok(DATA.equals(await readFile(path)))
    })

    await t.test('a window of a file: written at its place, and nothing beside it', async (t) => {
      const path = join(await tempDir(t), 'file')
      await writeFile(path, Buffer.alloc(2 * MiB + BYTES + 10, 'others'))
      const { fetched } = await fetching(t, async (socket) => { socket.end(DATA) }, { ...secrets, file: { path, origin: -2 * MiB, isWindow: true } })
      await fetched
      const wanted = Buffer.alloc(2 * MiB + BYTES + 10, 'others')
      DATA.copy(wanted, 2 * MiB)
      t.ok(wanted.equals(await readFile(path)))
    })

    await t.test('a window of a file that has gone is not made', async (t) => {
      const path = join(await tempDir(t), 'file')
      const { fetched } = await fetching(t, async (socket) => { socket.end(DATA) }, { ...secrets, file: { path, isWindow: true } })
      await t.rejects(fetched, { code: 'E_IO' })
    })

    await t.test('cut short: nothing is written from there on', async (t) => {
      const { fetched, control, path } = await fetching(t, async (socket, control) => {
        socket.write(DATA.subarray(0, MiB + 10))
        await untilReceived(control, MiB + 10)
        t.equal(control.stopBefore(2), 2)
        socket.write(DATA.subarray(MiB + 10))
      }, secrets)
      await fetched
      t.equal((await readFile(path)).length, 2 * MiB)
      t.match(control, { verifiedPiece: 2, receivedBytes: 2 * MiB })
    })

    await t.test('an end before the end: what came is kept', async (t) => {
      const { fetched, control } = await fetching(t, async (socket) => { socket.end(DATA.subarray(0, 2 * MiB + 5)) }, secrets)
      await t.rejects(fetched, { code: 'E_PROTOCOL', message: /before the range was complete/ })
      t.match(control, { verifiedPiece: 2, receivedBytes: 2 * MiB + 5 })
    })

    await t.test('an end without a word, as of a forwarder whose owner is away', async (t) => {
      const { fetched } = await fetching(t, async (socket) => { socket.end() }, { ...secrets, isSilent: true })
      await t.rejects(fetched, { code: 'E_NETWORK', message: /without an answer/ })
    })

    await t.test('more than the range: nothing of it is written', async (t) => {
      const { fetched, path } = await fetching(t, async (socket) => { socket.write(Buffer.concat([DATA, Buffer.alloc(100_000, 'x')])) }, secrets)
      await fetched
      t.equal((await readFile(path)).length, BYTES)
    })

    await t.test('a wrong byte', async (t) => {
      const wrong = Buffer.from(DATA)
      wrong.writeUInt8(wrong.readUInt8(MiB + 1) ^ 1, MiB + 1)
      const lied = await fetching(t, async (socket) => { socket.end(wrong) }, secrets)
      await t.rejects(lied.fetched, { code: 'E_DIGEST', message: /piece 1 of "file"/ })
      t.equal(lied.control.verifiedPiece, 1)
    })

    await t.test('a thread that stood still for longer than an owner may be silent', async (t) => {
      const dataStallMs = 400
      const { fetched, path } = await fetching(t, async (socket, control) => {
        socket.write(DATA.subarray(0, MiB + 10))
        await untilReceived(control, MiB + 10)
        // As in a write to a disk that is frozen.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * dataStallMs)
        await sleep(dataStallMs / 2)
        socket.end(DATA.subarray(MiB + 10))
      }, secrets, { ...DEADLINES, dataStallMs })
      await fetched
      t.ok(DATA.equals(await readFile(path)))
    })

    await t.test('an owner that broke off while the thread stood still is not to blame', async (t) => {
      const dataStallMs = 400
      const { fetched } = await fetching(t, async (socket, control) => {
        socket.write(DATA.subarray(0, MiB + 10))
        await untilReceived(control, MiB + 10)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * dataStallMs)
        socket.destroy()
      }, secrets, { ...DEADLINES, dataStallMs })
      await t.rejects(fetched, { code: 'E_INTERRUPTED', message: /had stood still/ })
    })

    await t.test('cancelled', async (t) => {
      const { fetched, control } = await fetching(t, async (socket, control) => {
        socket.write(DATA.subarray(0, MiB + 10))
        await untilReceived(control, MiB + 10)
        control.cancel()
      }, secrets)
      await t.rejects(fetched, { code: 'E_INTERRUPTED' })
      t.equal(control.verifiedPiece, 1)
    })
  })
}

await t.test('an owner that has the old secret alone is asked again with that', async (t) => {
  const { fetched, path } = await fetching(t, async (socket) => { socket.end(DATA) }, { theirs: OLD, ours: { ...OURS, old: OLD.current } })
  await fetched
  t.ok(DATA.equals(await readFile(path)))
})

await t.test('an owner with another secret, or with none', async (t) => {
  const serve = async (): Promise<void> => { t.fail('nobody gets that far') }
  const begunMs = performance.now()
  for (const theirs of [OLD, undefined]) {
    const { fetched, control } = await fetching(t, serve, { theirs, ours: OURS })
    await t.rejects(fetched, { code: 'E_AUTH', message: /^127\.0\.0\.1:\d+ / })
    t.equal(control.receivedBytes, 0)
  }
  await t.rejects((await fetching(t, serve, { theirs: OURS })).fetched, { code: 'E_AUTH', message: /^127\.0\.0\.1:\d+ wants a secret/ })
  t.ok(performance.now() - begunMs < 2_000)
})
