/** Every size at which something is cut differently, from one, two and five owners, byte for byte. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { startNode } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZES = [0, 1, 2, 3, MiB - 1, MiB, MiB + 1, 33_333_333]
const FILES = SIZES.map((size) => `${size}.bin`)

const tracker = await trackerHere(t)
const dir = await tempDir(t)
const contents = SIZES.map((size) => pseudoRandomBytes(size, size))
/** Until all tests are over. */
const owner = await startNode(t, { name: 'owner', tracker, dir })
for (const [i, file] of FILES.entries()) await writeFile(join(owner.folder, file), contents[i] ?? '')
await owner.upload(...FILES)
let others = 0

for (const ownerCount of [1, 2, 5]) {
  await t.test(`from ${ownerCount} owner(s)`, async (test) => {
    while (others < ownerCount - 1) {
      const other = await FakeOwner.start(t, { name: `other${others++}`, tracker })
      for (const [i, file] of FILES.entries()) await other.share(file, contents[i] ?? Buffer.alloc(0))
    }
    const fetcher = await startNode(test, { name: `fetcher${ownerCount}`, tracker, dir })
    await fetcher.download(...FILES)

    for (const [i, file] of FILES.entries()) test.ok((await readFile(join(fetcher.folder, file))).equals(contents[i] ?? Buffer.alloc(1)), file)
    // How many carried it is a matter of who was quick; owner-faults.test.ts sees to it that several do.
    test.match(await fetcher.saved('33333333.bin'), /from [1-5] owners?: /)
    test.strictSame(await visibleFiles(fetcher.folder), [...FILES].sort(), 'nothing else is there')
    test.strictSame(await hiddenLeftovers(fetcher.folder), [], 'nothing is left of what was under way')
    test.equal(await fetcher.leave(), 0)
  })
}

await t.test('nothing is left at the owner', async (t) => {
  t.strictSame(await hiddenLeftovers(owner.folder), [])
  t.equal(await owner.leave(), 0)
})
