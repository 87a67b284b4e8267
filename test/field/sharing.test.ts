/** Owners on disks that fail, and on file systems whose inode numbers do not last. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { escapeForRegExp } from '../helpers/command.js'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { nodeFolder, startNode, startTracker, type NodeCommand, type TrackerCommand } from '../helpers/piecemeal.js'
import { behindOdd, mountExfat, mountOdd, run, type Mount } from './mounts.js'
import { MiB } from '../../lib/protocol/units.js'

t.setTimeout(100_000)

const BYTES = 9_000_000

interface Setting extends Mount {
  tracker: TrackerCommand
}

async function setUp (t: Test): Promise<Setting> {
  const dir = await tempDir(t)
  const mountPoint = join(dir, 'mounted')
  mkdirSync(mountPoint)
  return { dir, mountPoint, tracker: await startTracker(t) }
}

/** An owner of `file` on what is mounted. */
async function shareFrom (t: Test, { mountPoint, tracker }: Setting): Promise<NodeCommand> {
  await writePseudoRandom(join(nodeFolder(mountPoint, 'owner'), 'file'), BYTES)
  const owner = await startNode(t, { name: 'owner', tracker, dir: mountPoint })
  await owner.upload('file')
  return owner
}

await t.test('a bad sector: its owner says so and serves the rest; the piece comes from elsewhere', async (t) => {
  const setting = await setUp(t)
  const { dir, tracker } = setting
  await mountOdd(t, setting, `bad=${4 * MiB}`)
  const owner = await shareFrom(t, setting)
  writeFileSync(join(behindOdd(dir), '.bad'), '')
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  fetcher.say('torrent -m download file')
  await owner.waitFor(new RegExp(`^error: .*cannot read "${escapeForRegExp(join(owner.folder, 'file'))}" at byte 4\\d{6}: .*EIO`, 'm'))

  await writePseudoRandom(join(nodeFolder(dir, 'sound'), 'file'), BYTES)
  const sound = await startNode(t, { name: 'sound', tracker, dir })
  await sound.upload('file')
  t.match(await fetcher.saved('file'), /from 2 owners/)
  t.equal(await firstDifference(join(fetcher.folder, 'file'), join(sound.folder, 'file')), undefined)
  t.equal(owner.stderr.match(/cannot read/g)?.length, 1, 'once')
  t.notMatch(owner.stderr, 'no longer sharing')
})

const CHANGING_INODES: Record<string, (t: Test, setting: Setting) => void | Promise<void>> = {
  exFAT: (t, setting) => mountExfat(t, setting, 100 * MiB),
  'made up ones': async (t, setting) => await mountOdd(t, setting, 'inodes'),
}

for (const [what, mount] of Object.entries(CHANGING_INODES)) {
  await t.test(`inode numbers that change when memory gets short: ${what}`, async (t) => {
    const setting = await setUp(t)
    await mount(t, setting)
    const owner = await shareFrom(t, setting)
    const path = join(owner.folder, 'file')
    const { ino } = statSync(path)
    run('sync', '-f', path)
    // What something else holds at that moment stays in the cache.
    for (let i = 0; i < 50 && statSync(path).ino === ino; i++) {
      writeFileSync('/proc/sys/vm/drop_caches', '2')
      await setTimeout(50)
    }
    t.not(statSync(path).ino, ino, 'it has changed')
    const fetcher = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.dir })
    await fetcher.download('file')
    t.equal(await firstDifference(join(fetcher.folder, 'file'), path), undefined)
    t.equal(owner.stderr, '')
  })
}
