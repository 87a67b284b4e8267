/** A downloader killed again and again: the final name is absent or right, and what was good is not fetched again. */
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, sha256, tempDir, writePseudoRandom } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { bothWays, DATA_PATHS } from '../helpers/ways.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZE = 32 * MiB
const KILLS = 6

const seed = chooseSeed()

t.jobs = 2

for (const { what, flags, pathFlags, secret } of await bothWays(t)) {
  void t.test(what, { buffered: true }, async (t) => {
    void t.test(`SIGKILL at ${KILLS} random moments: PIECEMEAL_SEED=${seed}`, async (t) => {
      const random = seededRandom(seed)
      const dir = await tempDir(t)
      const tracker = await startTracker(t, { flags })
      const owner = await startNode(t, { name: 'owner', tracker, dir, flags })
      await writePseudoRandom(join(owner.folder, 'a.bin'), SIZE, seed)
      await owner.upload('a.bin')
      const digest = await sha256(join(owner.folder, 'a.bin'))
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
        t.equal(await sha256(target), digest, 'a final name means a whole file')
        finished++
        await rm(target)
      }
      t.comment(`of ${KILLS} downloads ${finished} were done before the kill came`)

      const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, flags })
      await fetcher.download('a.bin')
      t.equal(await fetcher.leave(), 0)
      t.equal(await sha256(target), digest)

      // Whatever the last kill left is gone after the next start.
      const after = await startNode(t, { name: 'fetcher', tracker, dir, flags })
      t.strictSame(await hiddenLeftovers(after.folder), [])
      t.equal(await after.leave(), 0)
    })

    void t.test('killed at 90 %, it fetches no more than a quarter again', async (t) => {
      const dir = await tempDir(t)
      const tracker = await startTracker(t, { flags })
      // It is not done before the kill comes: its last byte does not.
      const owner = await FakeOwner.start(t, { name: 'owner', tracker, secret, behaviour: { withheldAt: SIZE - 1 } })
      const data = pseudoRandomBytes(SIZE, seed)
      await owner.share('a.bin', data)
      const first = await startNode(t, { name: 'fetcher', tracker, dir, flags: [...flags, ...pathFlags], json: true })
      first.say('torrent -m download a.bin')
      await first.reached('a.bin', 0.9 * SIZE)
      first.signal('SIGKILL')
      await first.exit()
      owner.resume()
      t.notOk(existsSync(join(dir, 'fetcher', 'a.bin')))

      const second = await startNode(t, { name: 'fetcher', tracker, dir, flags: [...flags, ...pathFlags], json: true })
      second.say('torrent -m download a.bin')
      const [line] = await second.waitFor(/^.*"event":"(?:saved|failed)".*$/m)
      const { event, resumed } = JSON.parse(line) as { event: string, resumed: number }
      t.equal(event, 'saved')
      t.ok(resumed >= 0.75 * SIZE, `${resumed} of ${SIZE} bytes were kept`)
      t.ok((await readFile(join(dir, 'fetcher', 'a.bin'))).equals(data))
      t.equal(await second.leave(), 0)
    })
  })
}
