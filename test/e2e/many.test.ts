/** Many files, many nodes, and a swarm whose first owners have gone. */
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, hiddenLeftovers, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'

void t.test('100 files are shared and fetched at once, from one command line and from a hundred', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
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

void t.test('five nodes fetch the same file at once', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  await writePseudoRandom(join(owner.folder, 'a.bin'), 12_345_678)
  await owner.upload('a.bin')
  const fetchers = await Promise.all([1, 2, 3, 4, 5].map(async (i) => await startNode(t, { name: `fetcher${i}`, tracker, dir })))
  await Promise.all(fetchers.map(async (fetcher) => await fetcher.download('a.bin')))
  for (const fetcher of fetchers) {
    t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(owner.folder, 'a.bin')), undefined)
    t.strictSame(await hiddenLeftovers(fetcher.folder), [])
  }
  const statuses = await Promise.all(fetchers.map(async (fetcher) => await fetcher.leave()))
  t.strictSame(statuses, [0, 0, 0, 0, 0])
})

void t.test('who fetched a file serves it when the first owners have gone', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const owners = await Promise.all(['owner1', 'owner2'].map(async (name) => {
    const owner = await startNode(t, { name, tracker, dir })
    await writePseudoRandom(join(owner.folder, 'a.bin'), 5_000_000)
    await owner.upload('a.bin')
    return owner
  }))
  const heir = await startNode(t, { name: 'heir', tracker, dir })
  await heir.download('a.bin')
  for (const owner of owners) t.equal(await owner.leave(), 0)

  const late = await startNode(t, { name: 'late', tracker, dir })
  await late.download('a.bin')
  t.match(await late.saved('a.bin'), /from 1 owner: heir /)
  t.equal(await firstDifference(join(late.folder, 'a.bin'), join(dir, 'owner1', 'a.bin')), undefined)
})
