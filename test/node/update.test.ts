/** Folders and files that are replaced by versions after them, in this process. */
import { appendFileSync, chmodSync, constants, copyFileSync, cpSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { treeFile, workspaceFolder } from '../../lib/disk/hidden.js'
import { Node, Tracker, type NodeOptions } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'
import { listTree } from '../tree/trees.js'

interface Network {
  /** What is shared. */
  root: string
  owner: Node
  asker: Node
  /** Where it is downloaded to. */
  copy: string
  node: (name: string, options?: Partial<NodeOptions>) => Promise<Node>
}

async function network (t: Pick<Test, 'testdir' | 'teardown'>, options: Partial<NodeOptions> = {}): Promise<Network> {
  const folder = testDir(t, { d: { sub: { a: 'the bytes of a', b: 'other bytes', empty: '' }, none: {} }, nodes: {} })
  const root = join(folder, 'd')
  for (let i = 0; i < 20; i++) writeFileSync(join(root, `file ${i}`), `the same in both, ${i}`)
  writeFileSync(join(root, 'large'), Buffer.alloc(2 * MiB, 'large '))
  symlinkSync('sub/a', join(root, 'link'))
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const node = async (name: string, own: Partial<NodeOptions> = options): Promise<Node> => {
    const node = new Node({ name, dir: join(folder, 'nodes'), tracker: address, ...own })
    t.teardown(async () => await node.close())
    await node.start()
    return node
  }
  const [owner, asker] = [await node('Owner'), await node('Asker')]
  await owner.upload(root)
  return { root, owner, asker, copy: join(asker.folder, 'd'), node }
}

function change (root: string): void {
  appendFileSync(join(root, 'sub', 'a'), ', and more')
  rmSync(join(root, 'sub', 'b'))
  writeFileSync(join(root, 'new'), 'new')
  chmodSync(join(root, 'file 3'), 0o755)
}

/** Where files can share their blocks they are no links. */
function hasReflinks (folder: string): boolean {
  try {
    copyFileSync(join(folder, 'large'), join(folder, '..', 'clone'), constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false
  }
}

/** Nothing of ours beside the tree. */
function hidden (folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('.piecemeal-'))
}

await t.test('a folder is replaced by the version after it, and what is the same costs nothing', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy, node } = await network(t, { keepOldMs: 200 })
  await asker.download('d')
  const before = statSync(join(copy, 'file 1'), { bigint: true })
  change(root)
  const { digest } = await owner.upload(root)
  const saved = await asker.download('d', { update: true })
  t.match(saved, { digest, files: 24 })
  t.strictSame(listTree(copy), listTree(root))
  const after = statSync(join(copy, 'file 1'), { bigint: true })
  t.equal(after.mtimeNs, before.mtimeNs, 'its time is as it was')
  if (!hasReflinks(root)) t.equal(after.ino, before.ino, 'it is the same file')
  t.ok(saved.owners.reduce((bytes, owner) => bytes + owner.bytes, 0) < 1_000, 'what has changed was fetched, and nothing else')
  await owner.close()
  const other = await node('Other')
  await other.download('d')
  t.strictSame(listTree(join(other.folder, 'd')), listTree(root), 'it is served')
  for (let i = 0; i < 200 && hidden(asker.folder).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 25))
  t.strictSame(hidden(asker.folder), [], 'the version before is gone')
  t.notOk(readdirSync(asker.folder).some((name) => name.includes('.kept-')))
  t.match(await asker.download('d', { update: true }).catch((error: unknown) => error), { digest, owners: [], here: saved.bytes }, 'there is nothing to do')
})

await t.test('what somebody added, removed or changed since stops it', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t)
  await asker.download('d')
  change(root)
  const { digest } = await owner.upload(root)
  appendFileSync(join(copy, 'file 2'), 'changed here')
  writeFileSync(join(copy, 'added'), '')
  rmSync(join(copy, 'file 4'))
  const there = listTree(copy)
  await t.rejects(asker.download('d', { update: true }), { code: 'E_EXISTS', message: /"added" \(added\), "file 2" \(changed\), "file 4" \(removed\)/ })
  await t.rejects(asker.download('d', { update: true, digest }), { code: 'E_EXISTS' })
  t.strictSame(listTree(copy), there)
  writeFileSync(join(copy, 'file 2'), 'the same in both, 2')
  writeFileSync(join(copy, 'file 4'), 'the same in both, 4')
  utimesSync(join(copy, 'file 5'), 1, 1)
  linkSync(join(copy, 'file 6'), join(asker.folder, 'elsewhere'))
  rmSync(join(copy, 'added'))
  await asker.download('d', { update: true })
  t.strictSame(listTree(copy), listTree(root), 'where only times or inodes differ nothing has changed')
})

await t.test('without --update, and where one does not replace the other', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy, node } = await network(t)
  await asker.download('d')
  await t.rejects(asker.download('d'), { code: 'E_EXISTS' })
  const stranger = await node('Stranger')
  await owner.close()
  change(root)
  const { digest } = await stranger.upload(root)
  const there = listTree(copy)
  asker.unshare('d')
  await t.rejects(asker.download('d', { update: true }), { code: 'E_CONFLICT', message: new RegExp(digest) })
  t.strictSame(listTree(copy), there)
  await asker.download('d', { update: true, digest })
  t.strictSame(listTree(copy), listTree(root))
})

await t.test('a tree that nobody remembers', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t)
  mkdirSync(copy)
  for (const name of ['file 0', 'file 1']) writeFileSync(join(copy, name), readFileSync(join(root, name)))
  writeFileSync(join(copy, 'mine'), 'mine')
  const { digest } = await owner.upload(root)
  await t.rejects(asker.download('d', { update: true }), { code: 'E_CONFLICT' })
  await t.rejects(asker.download('d', { update: true, digest }), { code: 'E_EXISTS', message: /"mine"/ })
  rmSync(join(copy, 'mine'))
  t.match(await asker.download('d', { update: true, digest }), { here: 38, resumed: 0 })
  t.strictSame(listTree(copy), listTree(root))
})

await t.test('more than half of it does not go by itself', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t)
  await asker.download('d')
  rmSync(root, { recursive: true })
  mkdirSync(root)
  writeFileSync(join(root, 'file 0'), 'alone')
  await owner.upload(root, { allowShrink: true })
  const there = listTree(copy)
  await t.rejects(asker.download('d', { update: true }), { code: 'E_EXISTS', message: /--allow-shrink/ })
  t.strictSame(listTree(copy), there)
  await asker.download('d', { update: true, allowShrink: true })
  t.strictSame(listTree(copy), { 'file 0': 'alone' })
})

await t.test('a part of a folder stays that part, and may become more', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t)
  await asker.download('d', { only: ['sub/a'] })
  await t.rejects(asker.download('d', { only: ['sub/a'] }), { code: 'E_EXISTS' })
  await asker.download('d', { only: ['file 1'] })
  t.strictSame(listTree(copy), { 'file 1': 'the same in both, 1', sub: 'folder', 'sub/a': 'the bytes of a' })
  change(root)
  await owner.upload(root)
  await asker.download('d', { update: true })
  t.strictSame(listTree(copy), { 'file 1': 'the same in both, 1', sub: 'folder', 'sub/a': 'the bytes of a, and more' })
})

await t.test('a file is replaced, and whoever has it open goes on', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker } = await network(t, { keepOldMs: 100 })
  for (const [name, size] of [['small', 100], ['many', 5 * MiB]] as const) {
    const path = join(root, name)
    writeFileSync(path, Buffer.alloc(size, 'one'))
    await owner.upload(path)
    await asker.download(name)
    writeFileSync(path, Buffer.alloc(size, 'two'))
    const { digest } = await owner.upload(path)
    await t.rejects(asker.download(name), { code: 'E_EXISTS' })
    t.match(await asker.download(name, { update: true }), { digest })
    t.ok(readFileSync(join(asker.folder, name)).equals(Buffer.alloc(size, 'two')))
    appendFileSync(join(asker.folder, name), 'mine')
    writeFileSync(path, Buffer.alloc(size, 'three'))
    await owner.upload(path)
    await t.rejects(asker.download(name, { update: true }), { code: 'E_EXISTS' })
    t.ok(readFileSync(join(asker.folder, name)).equals(Buffer.concat([Buffer.alloc(size, 'two'), Buffer.from('mine')])))
  }
  for (let i = 0; i < 200 && hidden(asker.folder).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 25))
  t.strictSame(hidden(asker.folder), [])
})

await t.test('what is linked, and was written to while the rest was fetched, is named and not offered', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t)
  await asker.download('d')
  change(root)
  writeFileSync(join(root, 'more'), pseudoRandomBytes(3 * MiB, 'more'))
  await owner.upload(root)
  asker.limit('down', 4 * MiB)
  asker.on('progress', ({ bytes }) => { if (bytes > 3 * MiB) writeFileSync(join(copy, 'file 7'), 'THE SAME in both, 7') })
  const changes: unknown[] = []
  asker.on('changed', (change) => changes.push(change))
  await asker.download('d', { update: true })
  t.strictSame(changes, hasReflinks(root) ? [] : [{ file: 'd', path: 'file 7' }])
})

await t.test('what was put into the version before, after the exchange, is kept', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy } = await network(t, { keepOldMs: 300 })
  await asker.download('d')
  change(root)
  await owner.upload(root)
  await asker.download('d', { update: true })
  const [old = ''] = hidden(asker.folder)
  writeFileSync(join(asker.folder, old, 'late'), 'too late')
  const warned = new Promise<string>((resolve) => asker.on('warning', ({ message }) => resolve(message)))
  t.match(await warned, /"late"/)
  const kept = readdirSync(asker.folder).find((name) => name.startsWith('d.kept-')) ?? ''
  t.strictSame(listTree(join(asker.folder, kept)), { late: 'too late' })
  t.strictSame(listTree(copy), listTree(root))
})

await t.test('one that was ended goes on after a restart, whatever has its name', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy, node } = await network(t)
  await asker.download('d')
  change(root)
  writeFileSync(join(root, 'large'), pseudoRandomBytes(6 * MiB, 'next'))
  const { digest, bytes } = await owner.upload(root)
  const there = listTree(copy)
  asker.limit('down', 4 * MiB)
  const begun = new Promise<void>((resolve) => asker.on('progress', ({ bytes }) => { if (bytes > 3 * MiB) resolve() }))
  const cut = asker.download('d', { update: true }).catch(({ code }: { code: string }) => code)
  await begun
  await asker.close()
  t.equal(await cut, 'E_INTERRUPTED')
  t.strictSame(listTree(copy), there)
  const again = await node('Asker')
  const saved = await again.download('d', { update: true })
  t.match(saved, { digest, bytes })
  t.ok(saved.resumed > 2 * MiB && saved.owners.reduce((bytes, owner) => bytes + owner.bytes, 0) < 5 * MiB, `${saved.resumed} bytes were kept`)
  t.strictSame(listTree(copy), listTree(root))
  t.strictSame(readdirSync(join(again.folder, '.piecemeal')).filter((name) => /^[0-9a-f]{64}$/.test(name)), [])
})

await t.test('what has come and could not take its place is not fetched again', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy, node } = await network(t)
  await asker.download('d')
  change(root)
  await owner.upload(root)
  await asker.download('d', { update: true })
  const ino = (path: string): string => String(statSync(path, { bigint: true }).ino)
  const [hiddenFolder, beside] = [join(asker.folder, '.piecemeal'), join(asker.folder, `.piecemeal-0-${'1'.repeat(32)}`)]
  writeFileSync(join(root, 'newer'), 'newer')
  const { digest } = await owner.upload(root)
  await asker.close()
  // Killed before the exchange: it lies beside.
  const workspace = workspaceFolder(hiddenFolder, { digest, filename: 'd' })
  mkdirSync(workspace, { recursive: true })
  writeFileSync(join(workspace, 'journal.json'), JSON.stringify({ filename: 'd', isUpdate: true }))
  writeFileSync(join(workspace, 'tree.json'), JSON.stringify({ wanted: 'all', lacking: [] }))
  cpSync(root, beside, { recursive: true, verbatimSymlinks: true })
  writeFileSync(join(hiddenFolder, `${'1'.repeat(16)}.update`), JSON.stringify({ target: copy, beside, ino: ino(copy), newIno: ino(beside), digest, arrived: join(workspace, 'tree') }))
  const again = await node('Asker')
  t.match(await again.download('d', { update: true }), { digest, owners: [] })
  t.strictSame(listTree(copy), listTree(root))
})

await t.test('killed right after the exchange, it knows what it has', { timeout: 60_000 }, async (t) => {
  const { root, owner, asker, copy, node } = await network(t)
  await asker.download('d', { only: ['sub'] })
  const remembered = join(asker.folder, '.piecemeal', 'trees')
  const [tree = ''] = readdirSync(remembered)
  const before = readFileSync(join(remembered, tree))
  change(root)
  await owner.upload(root)
  await asker.download('d', { update: true })
  await asker.close()
  // As it is before the newer one has its name there.
  const arrived = join(asker.folder, '.piecemeal', 'arrived')
  renameSync(join(remembered, tree), treeFile(join(asker.folder, '.piecemeal'), arrived))
  writeFileSync(join(remembered, tree), before)
  const [name = ''] = readdirSync(join(asker.folder, '.piecemeal')).filter((name) => name.endsWith('.update'))
  const note = join(asker.folder, '.piecemeal', name)
  writeFileSync(note, JSON.stringify({ ...JSON.parse(readFileSync(note, 'utf8')) as object, arrived }))
  writeFileSync(join(root, 'sub', 'c'), 'of the third version')
  await owner.upload(root)
  const again = await node('Asker')
  await again.download('d', { update: true })
  t.strictSame(Object.keys(listTree(copy)).sort(), ['sub', 'sub/a', 'sub/c', 'sub/empty'])
})

await t.test('what an earlier run has left half done is undone, or done', { timeout: 60_000 }, async (t) => {
  const { asker, node } = await network(t)
  const { folder } = asker
  await asker.download('d')
  await asker.close()
  const beside = (digit: string): string => join(folder, `.piecemeal-0-${digit.repeat(32)}`)
  const ino = (path: string): string => String(statSync(path, { bigint: true }).ino)
  const note = (digit: string, about: object): void => writeFileSync(join(folder, '.piecemeal', `${digit.repeat(16)}.update`), JSON.stringify(about))
  const target = join(folder, 'd')
  const there = listTree(target)
  // Come, and not moved yet.
  mkdirSync(join(folder, '.piecemeal', `${'1'.repeat(16)}.next`))
  note('1', { target, beside: beside('1'), ino: ino(target), newIno: '1' })
  // Moved beside it, and not exchanged.
  mkdirSync(beside('2'))
  writeFileSync(join(beside('2'), 'new'), 'new')
  note('2', { target, beside: beside('2'), ino: ino(target), newIno: ino(beside('2')) })
  // Of two renames the first was made.
  const parted = join(folder, 'parted')
  mkdirSync(`${beside('3')}.old`)
  mkdirSync(beside('3'))
  note('3', { target: parted, beside: beside('3'), ino: ino(`${beside('3')}.old`), newIno: ino(beside('3')) })
  writeFileSync(join(folder, '.piecemeal', `${'3'.repeat(16)}.update.exchange`), JSON.stringify({ hidden: beside('3'), target: parted, newIno: ino(beside('3')), oldIno: ino(`${beside('3')}.old`) }))
  // Exchanged: an older file that is as it was, and one that is not.
  for (const digit of ['4', '5', '6']) {
    writeFileSync(beside(digit), 'old')
    note(digit, { target: join(folder, digit === '4' ? 'as it was' : 'other'), beside: beside(digit), ino: ino(beside(digit)), newIno: '1', file: digit !== '4' ? '1' : `${ino(beside(digit))} 3 ${statSync(beside(digit), { bigint: true }).mtimeNs}` })
  }
  // Not written to its end.
  writeFileSync(join(folder, '.piecemeal', `${'7'.repeat(16)}.update`), '{"target"')
  await node('Asker', { keepOldMs: 1 })
  for (let i = 0; i < 200 && readdirSync(join(folder, '.piecemeal')).some((name) => name.endsWith('.update')); i++) await new Promise((resolve) => setTimeout(resolve, 25))
  t.strictSame(readdirSync(join(folder, '.piecemeal')).filter((name) => /update|next/.test(name)), [])
  t.strictSame(hidden(folder), [])
  t.strictSame(listTree(target), there)
  t.ok(statSync(parted).isDirectory(), 'it is back under its name')
  t.equal(readdirSync(folder).filter((name) => name.startsWith('other.kept-')).length, 2, 'neither takes the place of the other')
})
