/** More than 4 GiB: offsets beyond 32 bits are right, and memory has nothing to do with size. */
import { cp, link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, hiddenLeftovers, tempDir, writeSparse } from '../helpers/files.js'
import { peakResidentBytes } from '../helpers/memory.js'
import { nodeFolder, startNode, startTracker, type NodeCommand } from '../helpers/piecemeal.js'
import { bothWays } from '../helpers/ways.js'
import { GiB, MiB } from '../../lib/protocol/units.js'

const SIZES = { 'small.bin': 1 * GiB, 'large.bin': 4 * GiB + 1 }
const FILES = Object.keys(SIZES)
const WAIT_MS = 100_000

t.setTimeout(300_000)

for (const { what, flags } of await bothWays(t)) {
  void t.test(`4 GiB and a byte from four owners, ${what}`, async (t) => {
    const dir = await tempDir(t)
    const tracker = await startTracker(t, { flags })
    const names = ['owner0', 'owner1', 'owner2', 'owner3'] as const
    const folders = names.map((name) => nodeFolder(dir, name))
    for (const [file, size] of Object.entries(SIZES)) {
      const path = join(dir, file)
      await writeSparse(path, size, [{ at: 0, bytes: Buffer.from('begin') }, { at: 2 ** 31 - 2, bytes: Buffer.from('middle') }, { at: size - 3, bytes: Buffer.from('end') }]
        .filter(({ at }) => at < size))
      // One file under four roofs, so that it is on the disk once.
      for (const folder of folders) await link(path, join(folder, file))
    }
    const owners = [await sharing(names[0])]
    // The others take over what the first has digested, and need not do the same again.
    for (const [i, name] of names.entries()) {
      if (i === 0) continue
      await mkdir(join(dir, name, '.piecemeal'))
      await cp(join(dir, names[0], '.piecemeal', 'digests'), join(dir, name, '.piecemeal', 'digests'), { recursive: true })
      owners.push(await sharing(name))
    }

    // Each in a process of its own: a peak does not come down again.
    const small = await fetching('small', 'small.bin')
    const large = await fetching('large', 'large.bin')
    t.ok(large < 200 * MiB, `a node that fetches it stays below 200 MiB: ${inMiB(large)}`)
    t.ok(Math.abs(large - small) < 0.15 * small, `and is no larger than one that fetches 1 GiB: ${inMiB(small)}, ${inMiB(large)}`)
    for (const owner of owners) {
      const peak = await peakResidentBytes(owner.pid)
      t.ok(peak < 150 * MiB, `${owner.name} stays below 150 MiB: ${inMiB(peak)}`)
      t.equal(await owner.leave(), 0)
    }

    async function sharing (name: string): Promise<NodeCommand> {
      const owner = await startNode(t, { name, tracker, dir, flags })
      owner.say(`torrent -m upload ${FILES.join(' ')}`)
      for (const file of FILES) await owner.waitFor(`sharing ${file} (`, { ms: WAIT_MS })
      return owner
    }

    async function fetching (name: string, file: string): Promise<number> {
      const node = await startNode(t, { name, tracker, dir, flags })
      node.say(`torrent -m download ${file}`)
      await node.waitFor(`saved ${file} (`, { ms: WAIT_MS })
      const peak = await peakResidentBytes(node.pid)
      t.equal(await node.leave(), 0)
      t.equal(await firstDifference(join(node.folder, file), join(dir, file)), undefined, `${file} is right`)
      t.strictSame(await hiddenLeftovers(node.folder), [])
      await rm(node.folder, { recursive: true })
      return peak
    }
  })
}

function inMiB (bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`
}
