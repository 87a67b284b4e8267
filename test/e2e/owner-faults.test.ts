/** What owners do wrong, one row a fault: the download is right all the same, or fails with the right code and no file. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import { contentDigest } from '../../lib/content/digest.js'
import { FakeOwner, type Behaviour } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { bothWays } from '../helpers/ways.js'
import { MiB } from '../../lib/protocol/units.js'

const DATA = pseudoRandomBytes(16 * MiB + 12_345, 'owner faults')
const ROWS_AT_ONCE = 4

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

/** Alone, such an owner still delivers. */
const ALONE_BUT_WILLING: Row[] = [
  { fault: 'splits its header at every byte', behaviour: { splitHeader: true } },
  { fault: 'ends the first stream early', behaviour: { stopAfter: { bytes: MiB + 1, how: 'end', times: 2 } } },
  { fault: 'is busy a few times', behaviour: { busyTimes: 3 } },
  { fault: 'sends more than was asked for', behaviour: { extraBytes: 1 } },
]

/** Of a size that makes a digest, and that no disk has room for. */
const HUGE_CONTENT = { size: 2 ** 52, pieceLength: 2 ** 39, digest: contentDigest(2 ** 52, 2 ** 39, Buffer.alloc(8_192 * 32)) }
const HUGE = { ...HUGE_CONTENT, pieces: Buffer.alloc(8_192 * 32) }

/** Alone, such an owner is of no use, and that is said. */
const ALONE_AND_USELESS: Array<Row & { code: string, claims?: object }> = [
  { fault: 'sends a wrong byte', behaviour: { corruptAt: 3 * MiB }, code: 'E_DIGEST' },
  { fault: 'sends a wrong list', behaviour: { pieces: Buffer.alloc(17 * 32) }, code: 'E_DIGEST' },
  { fault: 'sends another size', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: 1 }) }, code: 'E_PROTOCOL' },
  { fault: 'sends a size of -1', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: -1 }) }, code: 'E_PROTOCOL' },
  { fault: 'sends a size of 1.5', behaviour: { sizeAnswer: (answer) => ({ ...answer, size: 1.5 }) }, code: 'E_PROTOCOL' },
  { fault: 'sends a size of 1e400', behaviour: { sizeAnswer: () => '{"type":"SizeInformation","size":1e400}\n' }, code: 'E_PROTOCOL' },
  { fault: 'has changed the file', behaviour: { refusal: { code: 'E_CHANGED', message: 'changed' } }, code: 'E_CHANGED' },
  { fault: 'does not share it', behaviour: { refusal: { code: 'E_NOT_SHARED', message: 'no' } }, code: 'E_NOT_SHARED' },
  { fault: 'has something huge', behaviour: { sizeAnswer: (answer) => ({ ...answer, ...HUGE, pieces: HUGE.pieces.toString('base64') }) }, claims: HUGE_CONTENT, code: 'E_DISK_FULL' },
]

t.jobs = 2

/** No piece is that of another file: what a node has already it would take from there. */
function dataOf (file: string): Buffer {
  const data = Buffer.from(DATA)
  for (let at = 0; at < data.length; at += MiB) data.write(file, at)
  return data
}

for (const { what, flags, pathFlags, secret } of await bothWays(t)) {
  void t.test(what, { buffered: true }, async (t) => {
    // One network for all rows: each is also the proof that those before it left the downloader in order.
    const tracker = await trackerHere(t, { secret })
    const fetcher = await startNode(t, { name: 'fetcher', tracker, dir: await tempDir(t), flags: [...flags, ...pathFlags] })
    let rows = 0
    // The rows wait more than they work.
    t.jobs = ROWS_AT_ONCE

    /** A file name that no other row has. */
    function nextFile (): string {
      return `${rows++}.bin`
    }

    for (const { fault, behaviour } of BESIDE_AN_HONEST_ONE) {
      void t.test(`an owner that ${fault}, beside an honest one`, async (t) => {
        const file = nextFile()
        const bad = await FakeOwner.start(t, { name: `bad-${file}`, tracker, secret, behaviour })
        const good = await FakeOwner.start(t, { name: `good-${file}`, tracker, secret, behaviour: { chunkDelayMs: 1 } })
        await bad.share(file, dataOf(file))
        await good.share(file, dataOf(file))
        await fetcher.download(file)
        t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      })
    }

    for (const { fault, behaviour } of ALONE_BUT_WILLING) {
      void t.test(`an owner that ${fault}, alone`, async (t) => {
        const file = nextFile()
        const owner = await FakeOwner.start(t, { name: `owner-${file}`, tracker, secret, behaviour })
        await owner.share(file, dataOf(file))
        await fetcher.download(file)
        t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      })
    }

    for (const { fault, behaviour, claims, code } of ALONE_AND_USELESS) {
      void t.test(`an owner that ${fault}, alone`, async (t) => {
        const file = nextFile()
        const owner = await FakeOwner.start(t, { name: `owner-${file}`, tracker, secret, behaviour })
        await owner.share(file, dataOf(file), claims)
        fetcher.say(`torrent -m download ${file}`)
        t.match(await fetcher.failed(file), `failed ${file}: ${code} `)
        t.notOk((await visibleFiles(fetcher.folder)).includes(file))
      })
    }

    void t.test('what an owner claims at the tracker beside the digest, and does not say when it is asked, is of no matter', async (t) => {
      const file = nextFile()
      const owner = await FakeOwner.start(t, { name: 'owner', tracker, secret })
      await owner.share(file, dataOf(file), { size: 2 ** 52, pieceLength: 2 ** 39 })
      await fetcher.download(file)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
    })

    void t.test('two owners of the same speed both carry a part', async (t) => {
      const file = nextFile()
      const owners = await Promise.all(['left', 'right'].map(async (name) => await FakeOwner.start(t, { name, tracker, secret, behaviour: { chunkDelayMs: 10 } })))
      for (const owner of owners) await owner.share(file, dataOf(file))
      await fetcher.download(file)
      t.match(await fetcher.saved(file), / from 2 owners: /)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
    })

    void t.test('wrong bytes of one owner are fetched from the other, and it is not asked again', async (t) => {
      const file = nextFile()
      const liar = await FakeOwner.start(t, { name: 'liar', tracker, secret, behaviour: { corruptAt: 0 } })
      const honest = await FakeOwner.start(t, { name: 'honest', tracker, secret, behaviour: { chunkDelayMs: 2 } })
      // It lies wherever it is asked.
      liar.on('request', ({ start }) => { liar.behaviour.corruptAt = start })
      await liar.share(file, dataOf(file))
      await honest.share(file, dataOf(file))
      await fetcher.download(file)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      t.ok(liar.requests.length <= 1, `the liar was asked ${liar.requests.length} times`)
    })

    void t.test('an owner that is killed leaves its part to the other one within a second, from its last good piece on', async (t) => {
      const file = nextFile()
      const dying = await FakeOwner.start(t, { name: 'dying', tracker, secret, behaviour: { stopAfter: { bytes: 3 * MiB + 1, how: 'stall' } } })
      const other = await FakeOwner.start(t, { name: 'other', tracker, secret, behaviour: { chunkDelayMs: 10 } })
      await dying.share(file, dataOf(file))
      await other.share(file, dataOf(file))
      dying.once('stopped', () => dying.close())
      await fetcher.download(file)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      const [{ start = 0 } = {}] = dying.requests
      t.notOk(other.requests.some((request) => request.start > start && request.start < start + 3 * MiB), 'its three good pieces are not fetched again')
    })

    void t.test('an owner that can\'t go on says which pieces it has lost: it gives the others, and is not asked for those again', { buffered: false }, async (t) => {
      const file = nextFile()
      const LOST_PIECE = 5
      const have = new PieceSet(17)
      have.addRange(0, 17)
      have.delete(LOST_PIECE)
      const bad = await FakeOwner.start(t, { name: 'bad', tracker, secret, behaviour: { withheldAt: (LOST_PIECE + 0.5) * MiB, withheldHow: 'end' } })
      // As long as nobody has asked for the piece it does not know.
      let askedBefore: number | undefined
      bad.once('stopped', () => {
        bad.behaviour.sizeAnswer = (answer) => {
          // What is asked on another stream until it has said so is asked in good faith.
          askedBefore ??= bad.requests.length
          return { ...answer, have: have.toBytes().toString('base64'), final: true }
        }
      })
      await bad.share(file, dataOf(file))
      fetcher.say(`torrent -m download ${file}`)
      await once(bad, 'stopped', { signal: AbortSignal.timeout(10_000) })
      const good = await FakeOwner.start(t, { name: 'good', tracker, secret })
      await good.share(file, dataOf(file))
      const line = await fetcher.saved(file)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      t.strictSame(bad.requests.slice(askedBefore).filter(({ start, end }) => start <= LOST_PIECE * MiB && end > LOST_PIECE * MiB), [])
      t.type(askedBefore, 'number')
      t.match(line, /bad 1\d\.0 MiB/, 'it gives the others, but what the other is free to take meanwhile')
    })

    void t.test('owners of different contents never meet in one download', async (t) => {
      const file = nextFile()
      const other = Buffer.from(dataOf(file))
      other[5 * MiB] = (other[5 * MiB] ?? 0) ^ 1
      const one = await FakeOwner.start(t, { name: 'one', tracker, secret })
      const two = await FakeOwner.start(t, { name: 'two', tracker, secret })
      const { digest } = await one.share(file, dataOf(file))
      await two.share(file, other)
      fetcher.say(`torrent -m download ${file}`)
      t.match(await fetcher.failed(file), 'E_CONFLICT')
      const digits = digest.slice('blake3:'.length, 'blake3:'.length + 12)
      const [, command = ''] = await fetcher.waitFor(new RegExp(`^ {2}(torrent -m download ${file} --digest blake3:${digits})`, 'm'))
      fetcher.say(command)
      await fetcher.waitFor(`saved ${file} `)
      t.ok((await readFile(join(fetcher.folder, file))).equals(dataOf(file)))
      t.equal(two.requests.length, 0)
    })

    void t.test('after all of this the downloader leaves in order', { buffered: false }, async (t) => {
      const kept = (await hiddenLeftovers(fetcher.folder)).filter((path) => path.endsWith('.part'))
      t.ok(new Set(kept.map((path) => dirname(path))).size <= 1, 'good pieces are kept of the one download that failed in the middle')
      t.equal(await fetcher.leave(), 9, 'with the status of the last failure')
    })
  })
}
