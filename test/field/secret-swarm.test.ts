/** An owner with a limit and four downloaders, all with a secret: every download is right, and nobody is taken for a liar. How long it took is told, in times of one copy. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { firstDifference, pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { nodeFolder, startNode, startTracker } from '../helpers/piecemeal.js'
import { bothWays } from '../helpers/ways.js'

const SIZE = 128 * MiB
const UP = 40 * MiB
const ROUNDS = 3

t.setTimeout(300_000)

const [, { flags }] = await bothWays(t)
const data = pseudoRandomBytes(SIZE, 'secret swarm')

for (let round = 1; round <= ROUNDS; round++) {
  await t.test(`round ${round}`, async (t) => {
    const dir = await tempDir(t)
    const tracker = await startTracker(t, { flags })
    const original = join(nodeFolder(dir, 'owner'), 'a.bin')
    await writeFile(original, data)
    const owner = await startNode(t, { name: 'owner', tracker, dir, flags: [...flags, '--up', String(UP)] })
    await owner.upload('a.bin')
    const downloaders = await Promise.all(['A', 'B', 'C', 'D'].map(async (name) => await startNode(t, { name, tracker, dir, flags })))
    const startMs = performance.now()
    await Promise.all(downloaders.map(async (node) => await node.download('a.bin')))
    const copies = (performance.now() - startMs) / 1_000 / (SIZE / UP)
    for (const node of downloaders) {
      t.equal(await firstDifference(join(node.folder, 'a.bin'), original), undefined)
      t.equal(node.stderr, '')
    }
    t.comment(`${copies.toFixed(2)} times one copy`)
  })
}
