/** What owners do wrong, one row a fault: the download is right all the same, or fails with the right code and no file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Scope } from '../helpers/command.js'
import { FakeOwner, type Behaviour } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'

const MiB = 1_048_576
const DATA = pseudoRandomBytes(16 * MiB + 12_345, 'owner faults')

interface Row {
  fault: string
  behaviour: Behaviour
}

/** Beside such an owner and an honest one, the file arrives. */
const BESIDE_AN_HONEST_ONE: Row[] = [
  { fault: 'ends the stream in the middle', behaviour: { stopAfter: { bytes: 2.5 * MiB, how: 'end' } } },
  { fault: 'resets the connection in the middle', behaviour: { stopAfter: { bytes: 2.5 * MiB, how: 'destroy' } } },
  { fault: 'stalls in the middle', behaviour: { stopAfter: { bytes: 2.5 * MiB, how: 'stall' } } },
  { fault: 'stalls before the first byte', behaviour: { stopAfter: { bytes: 0, how: 'stall' } } },
  { fault: 'trickles', behaviour: { chunkBytes: 1_024, chunkDelayMs: 100 } },
  { fault: 'sends more than was asked for', behaviour: { extraBytes: 100_000 } },
  { fault: 'sends a wrong byte', behaviour: { corruptAt: 3 * MiB + 7 } },
  { fault: 'sends a wrong first byte and a wrong list', behaviour: { corruptAt: 0, pieces: Buffer.alloc(17 * 32) } },
  { fault: 'sends a list of the wrong length', behaviour: { pieces: Buffer.alloc(31) } },
  { fault: 'sends HTTP', behaviour: { header: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', headerOnly: true } },
  { fault: 'sends a header that never ends', behaviour: { header: Buffer.alloc(200_000, 'x'), headerOnly: true } },
  { fault: 'sends the header of another range', behaviour: { header: '{"type":"FileCommunication","filename":"a.bin","digest":"blake3:00","range":[0,1]}\n' } },
  { fault: 'is busy a few times', behaviour: { busyTimes: 2 } },
  { fault: 'does not share it after all', behaviour: { refusal: { code: 'E_NOT_SHARED', message: 'no' } } },
  { fault: 'refuses with a code of ours', behaviour: { refusal: { code: 'E_DISK_FULL', message: 'my disk, not yours' } } },
  { fault: 'says nothing on its input port', behaviour: { sizeStall: true } },
]

for (const { fault, behaviour } of BESIDE_AN_HONEST_ONE) {
  void t.test(`an owner that ${fault}, beside an honest one`, async (t) => {
    const { tracker, fetcher } = await setUp(t)
    const bad = await FakeOwner.start(t, { name: 'bad', tracker, behaviour })
    const good = await FakeOwner.start(t, { name: 'good', tracker, behaviour: { chunkDelayMs: 1 } })
    await bad.share('a.bin', DATA)
    await good.share('a.bin', DATA)
    await fetcher.download('a.bin')
    t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(DATA))
    t.strictSame(await hiddenLeftovers(fetcher.folder), [])
    t.equal(await fetcher.leave(), 0)
  })
}

/** Alone, such an owner still delivers. */
const ALONE_BUT_WILLING: Row[] = [
  { fault: 'splits its header at every byte', behaviour: { splitHeader: true } },
  { fault: 'ends the first stream early', behaviour: { stopAfter: { bytes: MiB + 1, how: 'end', times: 2 } } },
  { fault: 'is busy a few times', behaviour: { busyTimes: 3 } },
  { fault: 'sends more than was asked for', behaviour: { extraBytes: 1 } },
]

for (const { fault, behaviour } of ALONE_BUT_WILLING) {
  void t.test(`an owner that ${fault}, alone`, async (t) => {
    const { tracker, fetcher } = await setUp(t)
    const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour })
    await owner.share('a.bin', DATA)
    await fetcher.download('a.bin')
    t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(DATA))
    t.equal(await fetcher.leave(), 0)
  })
}

/** Alone, such an owner is of no use, and that is said. */
const ALONE_AND_USELESS: Array<Row & { code: string, status: number, claims?: object }> = [
  { fault: 'sends a wrong byte', behaviour: { corruptAt: 3 * MiB }, code: 'E_DIGEST', status: 8 },
  { fault: 'sends a wrong list', behaviour: { pieces: Buffer.alloc(17 * 32) }, code: 'E_DIGEST', status: 8 },
  { fault: 'sends another size', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: 1 }) }, code: 'E_PROTOCOL', status: 12 },
  { fault: 'sends a size of -1', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: -1 }) }, code: 'E_PROTOCOL', status: 12 },
  { fault: 'sends a size of 1.5', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: 1.5 }) }, code: 'E_PROTOCOL', status: 12 },
  { fault: 'sends a size of 1e400', behaviour: { sizeAnswer: () => '{"type":"SizeInformation","size":1e400}\n' }, code: 'E_PROTOCOL', status: 12 },
  { fault: 'has changed the file', behaviour: { refusal: { code: 'E_CHANGED', message: 'changed' } }, code: 'E_CHANGED', status: 24 },
  { fault: 'does not share it', behaviour: { refusal: { code: 'E_NOT_SHARED', message: 'no' } }, code: 'E_NOT_SHARED', status: 4 },
  { fault: 'claims a huge size', behaviour: {}, claims: { size: 2 ** 52, pieceLength: 2 ** 39 }, code: 'E_DISK_FULL', status: 28 },
]

for (const { fault, behaviour, claims, code, status } of ALONE_AND_USELESS) {
  void t.test(`an owner that ${fault}, alone`, async (t) => {
    const { tracker, fetcher } = await setUp(t)
    const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour })
    await owner.share('a.bin', DATA, claims)
    fetcher.say('torrent -m download a.bin')
    t.match(await fetcher.failed('a.bin'), `failed a.bin: ${code} `)
    t.strictSame(await visibleFiles(fetcher.folder), [])

    // The next honest download works, in the same process.
    const honest = await FakeOwner.start(t, { name: 'honest', tracker })
    await honest.share('b.bin', DATA)
    await fetcher.download('b.bin')
    t.ok((await readFile(join(fetcher.folder, 'b.bin'))).equals(DATA))
    t.equal(await fetcher.leave(), status)
  })
}

void t.test('wrong bytes of one owner are fetched from the other, and it is not asked again', async (t) => {
  const { tracker, fetcher } = await setUp(t)
  const liar = await FakeOwner.start(t, { name: 'liar', tracker, behaviour: { corruptAt: 0 } })
  const honest = await FakeOwner.start(t, { name: 'honest', tracker, behaviour: { chunkDelayMs: 2 } })
  // It lies wherever it is asked.
  liar.on('request', ({ start }) => { liar.behaviour.corruptAt = start })
  await liar.share('a.bin', DATA)
  await honest.share('a.bin', DATA)
  await fetcher.download('a.bin')
  t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(DATA))
  t.ok(liar.requests.length <= 1, `the liar was asked ${liar.requests.length} times`)
  t.equal(await fetcher.leave(), 0)
})

void t.test('an owner that is killed leaves its part to the other one within a second, from its last good piece on', async (t) => {
  const { tracker, fetcher } = await setUp(t)
  const dying = await FakeOwner.start(t, { name: 'dying', tracker, behaviour: { stopAfter: { bytes: 3 * MiB + 1, how: 'stall' } } })
  const other = await FakeOwner.start(t, { name: 'other', tracker, behaviour: { chunkDelayMs: 10 } })
  await dying.share('a.bin', DATA)
  await other.share('a.bin', DATA)
  dying.once('stopped', () => dying.close())
  await fetcher.download('a.bin')
  t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(DATA))
  const [{ start = 0 } = {}] = dying.requests
  t.notOk(other.requests.some((request) => request.start > start && request.start < start + 3 * MiB), 'its three good pieces are not fetched again')
  t.equal(await fetcher.leave(), 0)
})

void t.test('owners of different contents never meet in one download', async (t) => {
  const { tracker, fetcher } = await setUp(t)
  const other = Buffer.from(DATA)
  other[5 * MiB] = (other[5 * MiB] ?? 0) ^ 1
  const one = await FakeOwner.start(t, { name: 'one', tracker })
  const two = await FakeOwner.start(t, { name: 'two', tracker })
  const file = await one.share('a.bin', DATA)
  await two.share('a.bin', other)
  fetcher.say('torrent -m download a.bin')
  t.match(await fetcher.failed('a.bin'), 'E_CONFLICT')
  const digits = file.digest.slice('blake3:'.length, 'blake3:'.length + 12)
  const [, command = ''] = await fetcher.waitFor(new RegExp(`^ {2}(torrent -m download a\\.bin --digest blake3:${digits})`, 'm'))
  fetcher.say(command)
  await fetcher.waitFor(/^saved a\.bin /m)
  t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(DATA))
  t.equal(two.requests.length, 0)
  t.equal(await fetcher.leave(), 9)
})

async function setUp (t: Scope): Promise<{ tracker: Awaited<ReturnType<typeof startTracker>>, fetcher: Awaited<ReturnType<typeof startNode>> }> {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  return { tracker, fetcher: await startNode(t, { name: 'fetcher', tracker, dir }) }
}
