/** Nodes on file systems that lack something, are full, may only be read, or stand still. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { hasHoles } from '../../lib/disk/has-holes.js'
import { firstDifference, hiddenLeftovers, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { nodeFolder, startNode, startTracker, type NodeCommand, type TrackerCommand } from '../helpers/piecemeal.js'
import { mountExfat, mountExt4, mountOdd, run, unmountAfter, type Mount } from './mounts.js'

t.setTimeout(400_000)

const MB = 1_000_000
const { EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, EPERM } = constants.errno
const FROZEN_MS = 45_000

interface Setting extends Mount {
  tracker: TrackerCommand
  owner: NodeCommand
}

/** An owner of files of these sizes. */
async function setUp (t: Test, files: Record<string, number>, flags: string[] = []): Promise<Setting> {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  for (const [name, bytes] of Object.entries(files)) await writePseudoRandom(join(nodeFolder(dir, 'owner'), name), bytes, name)
  const owner = await startNode(t, { name: 'owner', tracker, dir, flags })
  await owner.upload(...Object.keys(files))
  const mountPoint = join(dir, 'mounted')
  mkdirSync(mountPoint)
  return { dir, tracker, owner, mountPoint }
}

/** Both kinds of files arrive, nothing is left over, nothing is replaced, and they can be fetched from there. */
async function arrivesAndServes (t: Test, { dir, tracker, owner, mountPoint }: Setting): Promise<void> {
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir: mountPoint })
  await fetcher.download('small', 'large')
  for (const name of ['small', 'large']) t.equal(await firstDifference(join(owner.folder, name), join(fetcher.folder, name)), undefined, `${name} is the same`)
  t.strictSame(await visibleFiles(fetcher.folder), ['large', 'small'])
  t.strictSame((await hiddenLeftovers(fetcher.folder)).filter((name) => name !== 'holder.json'), [])
  fetcher.say('torrent -m download small')
  t.match(await fetcher.failed('small'), 'E_EXISTS')
  await owner.leave()
  const third = await startNode(t, { name: 'third', tracker, dir })
  await third.download('small', 'large')
}

const SIZES = { small: 5_000, large: 9 * MB }

const ODD: Record<string, string[]> = {
  'nothing odd': [],
  'no hard links: EPERM': [`links=${EPERM}`],
  'no hard links: ENOSYS': [`links=${ENOSYS}`],
  'no hard links: EOPNOTSUPP': [`links=${EOPNOTSUPP}`],
  'hard links within a folder alone': [`links_later=${EPERM}`],
  'statfs says 0 of 0': ['statfs'],
  'a folder can\'t be synced: EINVAL': [`dirsync=${EINVAL}`],
  'a folder can\'t be synced: EOPNOTSUPP': [`dirsync=${EOPNOTSUPP}`],
  'no locks: ENOSYS': [`locks=${ENOSYS}`],
  'no locks: ENOLCK': [`locks=${ENOLCK}`],
  'nothing of all that': [`links=${EPERM}`, `locks=${ENOSYS}`, `dirsync=${EINVAL}`, 'statfs'],
}

for (const [what, lacks] of Object.entries(ODD)) {
  await t.test(what, async (t) => {
    const setting = await setUp(t, SIZES)
    await mountOdd(t, setting, ...lacks)
    t.ok(hasHoles(setting.mountPoint), 'parts are windows')
    await arrivesAndServes(t, setting)
    if (!lacks.some((lack) => lack.startsWith('locks'))) return
    const second = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.mountPoint }).catch((error: unknown) => error)
    t.match(second, Error, 'a second node on the folder is noticed')
  })
}

await t.test('exFAT, which has no holes', async (t) => {
  const setting = await setUp(t, SIZES)
  mountExfat(t, setting, 200 * MB)
  t.notOk(hasHoles(setting.mountPoint), 'parts have files of their own')
  await arrivesAndServes(t, setting)
})

await t.test('tmpfs without a limit', async (t) => {
  const setting = await setUp(t, SIZES)
  run('mount', '-t', 'tmpfs', '-o', 'size=0', 'none', setting.mountPoint)
  unmountAfter(t, setting.mountPoint)
  await arrivesAndServes(t, setting)
})

await t.test('squashfs: what is on it is shared', async (t) => {
  const { dir, tracker, mountPoint } = await setUp(t, {})
  await writePseudoRandom(join(nodeFolder(join(dir, 'source'), 'disc'), 'mine'), 3 * MB)
  run('mksquashfs', join(dir, 'source'), join(dir, 'image'), '-quiet', '-no-progress')
  run('mount', '-o', 'loop', join(dir, 'image'), mountPoint)
  unmountAfter(t, mountPoint)
  process.env.XDG_CACHE_HOME = join(dir, 'cache')
  t.teardown(() => { delete process.env.XDG_CACHE_HOME })
  const disc = await startNode(t, { name: 'disc', tracker, dir: mountPoint })
  await disc.upload('mine')
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  await fetcher.download('mine')
  disc.say('torrent -m download other')
  t.match(await disc.failed('other'), /E_IO .*read-only/)
  t.equal(disc.stderr.includes('warning'), false, 'all is kept')
})

await t.test('two at once, with room for one', async (t) => {
  const setting = await setUp(t, { one: 60 * MB, two: 60 * MB }, ['--up', '30M'])
  mountExt4(t, setting, 100 * MB)
  const fetcher = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.mountPoint })
  fetcher.say('torrent -m download one two')
  const [, failed] = await fetcher.waitFor(/^failed (one|two): E_DISK_FULL .*promised to other downloads/m)
  const saved = failed === 'one' ? 'two' : 'one'
  await fetcher.saved(saved)
  t.strictSame(await visibleFiles(fetcher.folder), [saved])
  t.strictSame(await hiddenLeftovers(fetcher.folder), [], `nothing is left of ${failed}`)
})

await t.test('room for the file and 8 MB', async (t) => {
  const setting = await setUp(t, { large: 150 * MB })
  mountExt4(t, setting, 210 * MB)
  const { bavail, bsize } = statfsSync(setting.mountPoint)
  writeFileSync(join(setting.mountPoint, 'filler'), Buffer.alloc(bavail * bsize - 158 * MB, 1), { flush: true })
  const fetcher = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.mountPoint })
  await fetcher.download('large')
  t.equal(await firstDifference(join(setting.owner.folder, 'large'), join(fetcher.folder, 'large')), undefined)
})

await t.test('out of inodes', async (t) => {
  const setting = await setUp(t, SIZES)
  mountExt4(t, setting, 100 * MB, '-N', '40')
  const fetcher = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.mountPoint })
  const fillers: string[] = []
  for (const { ffree } = statfsSync(setting.mountPoint); fillers.length < ffree;) {
    fillers.push(join(setting.mountPoint, `filler-${fillers.length}`))
    writeFileSync(fillers.at(-1) ?? '', '')
  }
  for (const name of ['small', 'large']) {
    fetcher.say(`torrent -m download ${name}`)
    t.match(await fetcher.failed(name), /E_DISK_FULL .*inodes/)
  }
  for (const filler of fillers) rmSync(filler)
  fetcher.say('torrent -m download small large')
  for (const name of ['small', 'large']) await fetcher.waitFor(new RegExp(`^saved ${name} `, 'm'))
})

for (const [what, bytes, flags] of [['a large file', 100 * MB, ['--up', '10M']], ['a small file', 500_000, []]] as const) {
  await t.test(`a disk that stands still for ${FROZEN_MS / 1_000} s: ${what}`, async (t) => {
    const setting = await setUp(t, { file: bytes }, [...flags])
    mountExt4(t, setting, 500 * MB)
    const fetcher = await startNode(t, { name: 'fetcher', tracker: setting.tracker, dir: setting.mountPoint })
    t.teardown(() => { spawnSync('fsfreeze', ['-u', setting.mountPoint]) })
    if (bytes > MB) {
      fetcher.say('torrent -m download file')
      await sleep(2_000)
    }
    run('fsfreeze', '-f', setting.mountPoint)
    fetcher.say(bytes > MB ? 'torrent status' : 'torrent -m download file\ntorrent status')
    await fetcher.waitFor(/^tracker connected;/m, { ms: 5_000 })
    await sleep(FROZEN_MS)
    run('fsfreeze', '-u', setting.mountPoint)
    await fetcher.saved('file')
    t.equal(await firstDifference(join(setting.owner.folder, 'file'), join(fetcher.folder, 'file')), undefined)
  })
}
