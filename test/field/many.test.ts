/** Many files, many nodes, and a swarm whose first owners have gone. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FakeOwner } from '../helpers/fake-owner.js'
import { firstDifference, hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'

void t.test('100 files are shared and fetched at once, from one command line and from a hundred', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  const files = Array.from({ length: 100 }, (_, i) => `file-${String(i).padStart(2, '0')}`)
  for (const [i, file] of files.entries()) await writePseudoRandom(join(owner.folder, file), i * 7_001, file)
  await owner.upload(...files)

  const one = await startNode(t, { name: 'one', tracker, dir })
  const hundred = await startNode(t, { name: 'hundred', tracker, dir })
  one.say(`torrent -m download ${files.join(' ')}`)
  hundred.say(...files.map((file) => `torrent -m download ${file}`))
  for (const node of [one, hundred]) {
    t.equal(await node.leave(), 0, `${node.name} waits for all of them`)
    t.equal(node.lines.filter((line) => line.startsWith('saved ')).length, 100)
    t.strictSame(await visibleFiles(node.folder), files)
    t.strictSame(await hiddenLeftovers(node.folder), [])
    const different = []
    for (const file of files) if (await firstDifference(join(node.folder, file), join(owner.folder, file)) !== undefined) different.push(file)
    t.strictSame(different, [])
  }
})

void t.test('four nodes fetch the same file at once, and one serves it when all others have gone', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const data = pseudoRandomBytes(12_345_678, 'many')
  const owners = await Promise.all(['owner1', 'owner2'].map(async (name) => await FakeOwner.start(t, { name, tracker })))
  for (const owner of owners) await owner.share('a.bin', data)
  const fetchers = await Promise.all(['heir', 'B', 'C', 'D'].map(async (name) => await startNode(t, { name, tracker, dir })))
  await Promise.all(fetchers.map(async (fetcher) => await fetcher.download('a.bin')))
  for (const fetcher of fetchers) {
    t.ok((await readFile(join(fetcher.folder, 'a.bin'))).equals(data))
    t.strictSame(await hiddenLeftovers(fetcher.folder), [])
  }
  t.strictSame(await Promise.all(fetchers.slice(1).map(async (fetcher) => await fetcher.leave())), [0, 0, 0])
  for (const owner of owners) owner.close()

  const late = await startNode(t, { name: 'late', tracker, dir })
  await late.download('a.bin')
  t.match(await late.saved('a.bin'), /from 1 owner: heir /)
  t.ok((await readFile(join(late.folder, 'a.bin'))).equals(data))
})
