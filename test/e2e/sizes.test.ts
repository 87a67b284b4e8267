/** Every size at which something is cut differently, from one, two and five owners, byte for byte. */
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, hiddenLeftovers, sha256, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZES = [0, 1, 2, 3, MiB - 1, MiB, MiB + 1, 33_333_333]
const FILES = SIZES.map((size) => `${size}.bin`)

for (const ownerCount of [1, 2, 5]) {
  void t.test(`from ${ownerCount} owner(s)`, async (t) => {
    const dir = await tempDir(t)
    const tracker = await startTracker(t)
    const owners = await Promise.all(Array.from({ length: ownerCount }, async (_, i) => {
      const owner = await startNode(t, { name: `owner${i}`, tracker, dir })
      for (const size of SIZES) await writePseudoRandom(join(owner.folder, `${size}.bin`), size)
      await owner.upload(...FILES)
      return owner
    }))
    const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
    await fetcher.download(...FILES)

    for (const file of FILES) {
      for (const owner of owners) {
        t.equal(await firstDifference(join(fetcher.folder, file), join(owner.folder, file)), undefined, `${file} is as ${owner.name} has it`)
      }
    }
    t.equal(await sha256(join(fetcher.folder, '33333333.bin')), await sha256(join(owners[0]?.folder ?? '', '33333333.bin')))
    // How many carried it is a matter of who was quick; owner-faults.test.ts sees to it that several do.
    t.match(await fetcher.saved('33333333.bin'), /from [1-5] owners?: /)
    t.strictSame(await visibleFiles(fetcher.folder), [...FILES].sort(), 'nothing else is there')
    t.strictSame(await hiddenLeftovers(fetcher.folder), [], 'nothing is left of what was under way')
    t.equal(await fetcher.leave(), 0)
    for (const owner of owners) {
      t.strictSame(await hiddenLeftovers(owner.folder), [], `nothing is left at ${owner.name}`)
      t.equal(await owner.leave(), 0)
    }
  })
}
