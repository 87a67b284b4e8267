/** Downloads that go elsewhere than into the node's own folder: where to, what is left beside the target, and what goes on after a kill. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { hiddenLeftovers, pseudoRandomBytes, testDir } from '../helpers/files.js'

const SMALL = Buffer.from('the bytes of small')
const LARGE = pseudoRandomBytes(3 * MiB + 5, 'elsewhere')
/** Another one than tests have their folders on. */
const OTHER_DISK = ['/dev/shm', tmpdir(), '/var/tmp'].find((folder) => isOtherDisk(folder))

async function swarm (t: Pick<Test, 'testdir' | 'teardown'>): Promise<{ data: string, owner: FakeOwner, start: () => Promise<Node> }> {
  const folder = testDir(t, { data: { there: 'already' }, nodes: {} })
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const owner = await FakeOwner.start(t, { name: 'Owner', tracker: address })
  for (const [name, bytes] of [['small', SMALL], ['large', LARGE]] as const) await owner.share(name, bytes)
  const start = async (): Promise<Node> => {
    const node = new Node({ name: 'Asker', dir: join(folder, 'nodes'), tracker: address })
    t.teardown(async () => await node.close())
    await node.start()
    return node
  }
  return { data: join(folder, 'data'), owner, start }
}

function isOtherDisk (folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return statSync(folder).dev !== statSync(process.cwd()).dev
  } catch {
    return false
  }
}

/** Hidden folders beside the files of a folder. */
function hiddenIn (folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('.piecemeal'))
}

/** A download that is ended once it has something to go on from. */
async function beginLarge (node: Node, to: string): Promise<void> {
  const begun = new Promise<void>((resolve) => node.on('progress', ({ bytes }) => { if (bytes >= MiB) resolve() }))
  const cut = node.download('large', { to }).catch(({ code }: { code: string }) => code)
  await begun
  await node.close()
  if (await cut !== 'E_INTERRUPTED') throw new Error('it was done before it was ended')
}

await t.test('into a folder, or to a name; shared where it lies; nothing is left', { timeout: 60_000 }, async (t) => {
  const { data, start } = await swarm(t)
  const node = await start()
  const sub = join(data, 'sub')
  mkdirSync(sub)
  symlinkSync(sub, join(data, 'link'))
  t.match(await node.download('small', { to: data }), { file: 'small', path: join(data, 'small') })
  await t.rejects(node.download('small', { to: `${sub}/` }), { code: 'E_EXISTS', message: /data\/small/ }, 'the node shares it from elsewhere')
  await t.rejects(node.download('small'), { code: 'E_EXISTS' })
  node.unshare('small')
  t.match(await node.download('small', { to: join(data, 'link', '/') }), { path: join(sub, 'small') }, 'no component is a link')
  t.match(await node.download('large', { to: `./${relative(process.cwd(), join(data, 'new name'))}` }), { file: 'large', path: join(data, 'new name') })
  t.ok(readFileSync(join(data, 'new name')).equals(LARGE))
  t.equal(readFileSync(join(sub, 'small'), 'utf8'), String(SMALL))
  t.match((await node.status()).sharing.map(({ file }) => file).sort(), ['large', 'small'])
  t.strictSame([...hiddenIn(data), ...hiddenIn(sub)], [])
  node.unshare('large')
  t.match(await node.download('large', { to: join(node.folder, 'other name') }), { path: join(node.folder, 'other name') }, 'its own folder is one of them')
  t.strictSame(await hiddenLeftovers(node.folder), [])
})

await t.test('to another file system, of several pieces and of one', { timeout: 60_000, skip: OTHER_DISK === undefined && 'there is no second file system that may be written to' }, async (t) => {
  const { start } = await swarm(t)
  const node = await start()
  const place = mkdtempSync(join(OTHER_DISK ?? '', 'piecemeal-test-'))
  t.teardown(() => rmSync(place, { recursive: true }))
  for (const [name, bytes] of [['small', SMALL], ['large', LARGE]] as const) {
    t.match(await node.download(name, { to: place }), { path: join(place, name) })
    t.ok(readFileSync(join(place, name)).equals(bytes))
  }
  t.strictSame(readdirSync(place).sort(), ['large', 'small'])
  t.strictSame(await hiddenLeftovers(node.folder), [])
})

await t.test('what can not be', { timeout: 60_000 }, async (t) => {
  const { data, start } = await swarm(t)
  const node = await start()
  symlinkSync('nowhere', join(data, 'dangling'))
  for (const [to, code, message] of [
    [join(data, 'there'), 'E_EXISTS', /there/],
    [join(data, 'dangling'), 'E_EXISTS', /small/],
    [join(data, 'none', 'file'), 'E_IO', /data\/none"/],
    [join(data, 'none', '/'), 'E_IO', /data\/none\/"/],
    [join(data, 'there', '/'), 'E_IO', /there/],
    [join(data, 'there', 'file'), 'E_IO', /there/],
    [join(node.folder, '.piecemeal', 'file'), 'E_FORBIDDEN', /keeps/],
    [join(data, 'a\nb'), 'E_NAME', /control/],
    ['', 'E_USAGE', /no path/],
    ['a\0/b', 'E_USAGE', /no path/],
  ] as const) await t.rejects(node.download('small', { to }), { code, message }, JSON.stringify(to))
  await t.rejects(node.download('nothing', { to: data }), { code: 'E_NO_OWNER' })
  t.strictSame(readdirSync(data).sort(), ['dangling', 'there'])
  t.equal(readFileSync(join(data, 'there'), 'utf8'), 'already')
  t.strictSame(await hiddenLeftovers(node.folder), [])
})

await t.test('what is ended goes on, beside its target, and touches no folder that is not noted', { timeout: 60_000 }, async (t) => {
  const { data, owner, start } = await swarm(t)
  const to = join(data, 'new name')
  const foreign = join(data, `.piecemeal-${process.getuid?.() ?? 0}-${'f'.repeat(32)}`)
  mkdirSync(join(foreign, 'd'.repeat(64)), { recursive: true })
  owner.behaviour.withheldAt = LARGE.length - 1
  await beginLarge(await start(), to)
  const [hidden = ''] = hiddenIn(data).filter((name) => !foreign.endsWith(name))
  t.match(hidden, /^\.piecemeal-\d+-[0-9a-f]{32}$/)
  t.equal(lstatSync(join(data, hidden)).mode & 0o777, 0o700)
  t.match(readFileSync(join(data, hidden, 'README'), 'utf8'), /may be deleted/)

  owner.resume()
  const node = await start()
  t.match(await node.download('large', { to }), { resumed: MiB * Math.floor(LARGE.length / MiB) })
  t.ok(readFileSync(to).equals(LARGE))
  t.strictSame(hiddenIn(data), [foreign.slice(data.length + 1)])
  t.strictSame(readdirSync(foreign), ['d'.repeat(64)])
  t.strictSame(await hiddenLeftovers(node.folder), [])
})

await t.test('another folder of that name is not ours', { timeout: 60_000 }, async (t) => {
  const { data, owner, start } = await swarm(t)
  const to = join(data, 'new name')
  owner.behaviour.withheldAt = LARGE.length - 1
  await beginLarge(await start(), to)
  owner.resume()
  const [hidden = ''] = hiddenIn(data)
  // Not removed: its inode could be the next one's.
  renameSync(join(data, hidden), join(data, 'moved'))
  mkdirSync(join(data, hidden))
  writeFileSync(join(data, hidden, 'README'), 'of somebody')
  const node = await start()
  await t.rejects(node.cancel('large', { to }), { code: 'E_USAGE' })
  t.match(await node.download('large', { to }), { resumed: 0 })
  t.equal(readFileSync(join(data, hidden, 'README'), 'utf8'), 'of somebody')
  t.strictSame(hiddenIn(data), [hidden])
})

await t.test('cancel removes what is kept there; the target that is there by now makes it an orphan', { timeout: 60_000 }, async (t) => {
  const { data, owner, start } = await swarm(t)
  const to = join(data, 'new name')
  owner.behaviour.withheldAt = LARGE.length - 1
  for (const options of [{ to }, {}]) {
    await beginLarge(await start(), to)
    const node = await start()
    await t.rejects(node.cancel('large', { to: data }), { code: 'E_USAGE' }, 'nothing is kept for that path')
    t.equal(hiddenIn(data).length, 1)
    await node.cancel('large', options)
    t.strictSame(hiddenIn(data), [])
    t.strictSame(await hiddenLeftovers(node.folder), [])
    await node.close()
  }
  const node = await start()
  const begun = new Promise<void>((resolve) => node.on('progress', ({ bytes }) => { if (bytes >= MiB) resolve() }))
  const cut = node.download('large', { to })
  cut.catch(() => {})
  await begun
  await t.rejects(node.cancel('large', { to: data }), { code: 'E_USAGE', message: /new name/ }, 'it goes elsewhere')
  await node.cancel('large', { to })
  await t.rejects(cut, { code: 'E_INTERRUPTED' })
  t.strictSame(hiddenIn(data), [])
  await node.close()

  await beginLarge(await start(), to)
  writeFileSync(to, 'somebody was faster')
  await (await start()).close()
  t.strictSame(hiddenIn(data), [])
  t.ok(existsSync(to))
})
