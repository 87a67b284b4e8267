/** A downloader killed again and again: the final name is absent or right, and what was good is not fetched again. */
import { existsSync } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { bothWays, DATA_PATHS } from '../helpers/ways.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZE = 32 * MiB
/** Of a node that goes one way, and again as many of one that goes the other. */
const KILLS = 4

const seed = chooseSeed()

t.jobs = 2

/** Every other piece is one of zeros. */
function sparse (): Buffer {
  const data = pseudoRandomBytes(SIZE, seed)
  for (let at = 0; at < SIZE; at += 2 * MiB) data.fill(0, at, at + MiB)
  return data
}

for (const { what, flags, pathFlags, secret } of await bothWays(t)) {
  void t.test(what, { buffered: true }, async (t) => {
    void t.test(`SIGKILL at ${KILLS} random moments: PIECEMEAL_SEED=${seed}`, async (t) => {
      const random = seededRandom(seed)
      const dir = await tempDir(t)
      const tracker = await trackerHere(t, { secret })
      // Not so fast that it is all over before the kill comes.
      const owner = await FakeOwner.start(t, { name: 'owner', tracker, secret, behaviour: { chunkDelayMs: 1 } })
      const data = pseudoRandomBytes(SIZE, seed)
      await owner.share('a.bin', data)
      const target = join(dir, 'fetcher', 'a.bin')

      let finished = 0
      for (let i = 0; i < KILLS; i++) {
        // One takes up what the other has left.
        const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, flags: [...flags, ...(DATA_PATHS[i % 3 === 1 ? 1 : 0]?.pathFlags ?? [])], json: true })
        fetcher.say('torrent -m download a.bin')
        // A moment is how much of the file had come: from before its first byte to its last.
        await fetcher.reached('a.bin', random() * SIZE)
        fetcher.signal('SIGKILL')
        await fetcher.exit()
        if (!existsSync(target)) continue
        t.ok((await readFile(target)).equals(data), 'a final name means a whole file')
        finished++
        await rm(target)
      }
      t.comment(`of ${KILLS} downloads ${finished} were done before the kill came`)

      const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, flags })
      await fetcher.download('a.bin')
      t.equal(await fetcher.leave(), 0)
      t.ok((await readFile(target)).equals(data))
      t.strictSame(await hiddenLeftovers(fetcher.folder), [], 'nothing is left of those that were killed')
    })

    void t.test('a sparse file, killed at 90 %: it fetches no more than a quarter again, and holes stay holes', async (t) => {
      const dir = await tempDir(t)
      const tracker = await trackerHere(t, { secret })
      // It is not done before the kill comes: its last byte does not.
      const owner = await FakeOwner.start(t, { name: 'owner', tracker, secret, behaviour: { withheldAt: SIZE - 1 } })
      const data = sparse()
      await owner.share('a.bin', data)
      const first = await startNode(t, { name: 'fetcher', tracker, dir, flags: [...flags, ...pathFlags], json: true })
      first.say('torrent -m download a.bin')
      await first.reached('a.bin', 0.9 * SIZE)
      first.signal('SIGKILL')
      await first.exit()
      owner.resume()
      const before = owner.requests.length
      t.notOk(existsSync(join(dir, 'fetcher', 'a.bin')))

      const second = await startNode(t, { name: 'fetcher', tracker, dir, flags: [...flags, ...pathFlags], json: true })
      second.say('torrent -m download a.bin')
      const [line] = await second.waitFor(/^.*"event":"(?:saved|failed)".*$/m)
      t.match(JSON.parse(line), { event: 'saved', zeros: SIZE / 2 })
      const again = owner.requests.slice(before).reduce((sum, { start, end }) => sum + end - start, 0)
      t.ok(again <= SIZE / 8, `${again} of ${SIZE / 2} bytes were fetched again`)
      const { blocks } = await stat(join(dir, 'fetcher', 'a.bin'))
      t.ok(blocks * 512 <= SIZE / 2 + MiB, `${blocks * 512} bytes on the disk`)
      t.ok((await readFile(join(dir, 'fetcher', 'a.bin'))).equals(data))
      t.equal(await second.leave(), 0)
    })
  })
}
