/** A download to another folder, killed: the same command goes on, and nothing is left beside the target. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'

const SIZE = 16 * MiB

await t.test('SIGKILL, and again with --to', { timeout: 60_000 }, async (t) => {
  const [dir, place] = [await tempDir(t), await tempDir(t)]
  const tracker = await trackerHere(t)
  // Its last byte does not come before the kill.
  const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour: { withheldAt: SIZE - 1 } })
  const data = pseudoRandomBytes(SIZE, 'elsewhere')
  await owner.share('a.bin', data)
  const first = await startNode(t, { name: 'fetcher', tracker, dir, json: true })
  first.say(`torrent -m download a.bin --to ${place}/b.bin`)
  await first.reached('a.bin', SIZE / 2)
  first.signal('SIGKILL')
  await first.exit()
  owner.resume()
  t.match(await readdir(place), [/^\.piecemeal-\d+-[0-9a-f]{32}$/])

  const second = await startNode(t, { name: 'fetcher', tracker, dir, json: true })
  second.say(`torrent -m download a.bin --to ${place}/b.bin`)
  const [line] = await second.waitFor(/^.*"event":"(?:saved|failed)".*$/m)
  const { event, path, resumed } = JSON.parse(line) as { event: string, path: string, resumed: number }
  t.match({ event, path }, { event: 'saved', path: join(place, 'b.bin') })
  t.ok(resumed >= SIZE / 4, `${resumed} of ${SIZE} bytes were kept`)
  t.ok((await readFile(path)).equals(data))
  t.strictSame(await readdir(place), ['b.bin'])
  t.strictSame(await hiddenLeftovers(second.folder), [])
  t.equal(await second.leave(), 0)
})
