/** Folders of many files whose download is killed again and again, or whose disk fills up meanwhile. */
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { startNode, type NodeCommand } from '../helpers/piecemeal.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { mountExt4, run, type Mount } from './mounts.js'

t.setTimeout(300_000)

const MB = 1_000_000
const KILLS = 10

const seed = chooseSeed()
const random = seededRandom(seed)

interface Setting extends Mount {
  root: string
  bytes: number
  owner: Node
  tracker: { host: string, port: number }
}

/** An owner of a folder, no faster than `up` bytes a second. */
async function setUp (t: Test, up: number, { files, most }: { files: number, most: number }): Promise<Setting> {
  const dir = await tempDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const root = join(dir, 'd')
  plantMany(root, files, most)
  const owner = new Node({ name: 'owner', dir, tracker: address })
  t.teardown(async () => await owner.close())
  await owner.start()
  owner.limit('up', up)
  const { bytes } = await owner.upload(root)
  const mountPoint = join(dir, 'mounted')
  mkdirSync(mountPoint)
  return { dir, mountPoint, root, bytes, owner, tracker: address }
}

function plantMany (root: string, files: number, most: number): void {
  const bytes = pseudoRandomBytes(2 * most, seed)
  for (let i = 0; i < files; i++) {
    const folder = join(root, String(i % 100))
    if (i < 100) mkdirSync(folder, { recursive: true })
    const start = Math.floor(random() * most)
    writeFileSync(join(folder, String(i)), bytes.subarray(start, start + Math.floor(random() * most)))
  }
}

async function sentBytes ({ metrics }: Node): Promise<number> {
  const [sample] = await metrics.measures.find(({ name }) => name === 'piecemeal_node_upload_bytes_total')?.samples() ?? []
  return sample?.value ?? 0
}

async function fetcherAt (t: Test, { tracker }: Setting, dir: string): Promise<NodeCommand> {
  return await startNode(t, { name: 'fetcher', tracker, dir, json: true })
}

async function goesOn (t: Test, fetcher: NodeCommand, root: string, leastKept: number): Promise<void> {
  fetcher.say('torrent -m download d')
  await fetcher.waitFor('"event":"saved"')
  isSame(t, root, fetcher)
  const saved = fetcher.events.find(({ event }) => event === 'saved')
  t.ok(Number(saved?.resumed) > leastKept, `${Number(saved?.resumed)} bytes were kept`)
}

function isSame (t: Test, root: string, { folder }: NodeCommand): void {
  run('diff', '-r', '--no-dereference', root, join(folder, 'd'))
  t.pass('it is the same')
}

await t.test(`SIGKILL at ${KILLS} random moments: PIECEMEAL_SEED=${seed}`, async (t) => {
  const setting = await setUp(t, 16 * MiB, { files: 20_000, most: 20_000 })
  const { dir, owner, bytes, root } = setting
  for (const at of Array.from({ length: KILLS }, () => random() * bytes).sort((a, b) => a - b)) {
    const fetcher = await fetcherAt(t, setting, dir)
    fetcher.say('torrent -m download d')
    await fetcher.reached('d', at)
    t.notOk(existsSync(join(fetcher.folder, 'd')))
    fetcher.signal('SIGKILL')
    await fetcher.exit()
  }
  const fetcher = await fetcherAt(t, setting, dir)
  fetcher.say('torrent -m download d')
  await fetcher.waitFor('"event":"saved"')
  isSame(t, root, fetcher)
  const twice = (await sentBytes(owner) - bytes) / bytes
  t.ok(twice < 0.05, `${(100 * twice).toFixed(1)} % were fetched twice`)
})

await t.test('a disk that is full in the middle', async (t) => {
  const setting = await setUp(t, 20 * MiB, { files: 1_000, most: 120_000 })
  const { mountPoint, bytes, root } = setting
  mountExt4(t, setting, 200 * MB)
  const fetcher = await fetcherAt(t, setting, mountPoint)
  fetcher.say('torrent -m download d')
  await fetcher.reached('d', bytes / 3)
  const filler = fillRoom(mountPoint)
  await fetcher.waitFor(/E_DISK_FULL.*no room on the disk/)
  t.notOk(existsSync(join(fetcher.folder, 'd')))
  rmSync(filler)
  await goesOn(t, fetcher, root, bytes / 4)
})

await t.test('a disk that is out of inodes in the middle', async (t) => {
  const setting = await setUp(t, 20 * MiB, { files: 1_000, most: 120_000 })
  const { mountPoint, bytes, root } = setting
  mountExt4(t, setting, 200 * MB, '-N', '1800')
  const killed = await fetcherAt(t, setting, mountPoint)
  killed.say('torrent -m download d')
  await killed.reached('d', bytes / 3)
  killed.signal('SIGKILL')
  await killed.exit()
  const fetcher = await fetcherAt(t, setting, mountPoint)
  const fillers = fillInodes(mountPoint)
  fetcher.say('torrent -m download d')
  await fetcher.waitFor(/E_DISK_FULL.*out of inodes/)
  for (const filler of fillers) rmSync(filler)
  await goesOn(t, fetcher, root, bytes / 4)
})

await t.test('what has no room, or no inodes, is refused before anything is fetched', async (t) => {
  const setting = await setUp(t, 1_000 * MiB, { files: 1_000, most: 120_000 })
  mountExt4(t, setting, 30 * MB, '-N', '600')
  const fetcher = await fetcherAt(t, setting, setting.mountPoint)
  fetcher.say('torrent -m download d')
  await fetcher.waitFor(/E_DISK_FULL.*it has \d+ files, links and folders, and the disk has inodes for \d+/)
})

/** @returns what is to be removed */
function fillRoom (mountPoint: string): string {
  const filler = join(mountPoint, 'filler')
  for (let left = free(mountPoint); left > 0; left = free(mountPoint)) {
    try {
      writeFileSync(filler, Buffer.alloc(left, 1), { flag: 'a', flush: true })
    } catch {
      // Somebody else was faster.
    }
  }
  return filler
}

function fillInodes (mountPoint: string): string[] {
  const fillers: string[] = []
  while (statfsSync(mountPoint).ffree > 0) {
    const filler = join(mountPoint, `filler-${fillers.length}`)
    try {
      writeFileSync(filler, '')
      fillers.push(filler)
    } catch {
      // Somebody else was faster.
    }
  }
  return fillers
}

function free (mountPoint: string): number {
  const { bavail, bsize } = statfsSync(mountPoint)
  return bavail * bsize
}
