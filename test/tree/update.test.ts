import { appendFileSync, chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { differences, sameFiles } from '../../lib/tree/compare-trees.js'
import { assertExchangeable, exchange, settleExchange } from '../../lib/tree/exchange.js'
import { measureTree } from '../../lib/tree/measure-tree.js'
import { removeTree, type Removed } from '../../lib/tree/remove-tree.js'
import { findKept } from '../../lib/tree/find-kept.js'
import { makeSkeleton } from '../../lib/tree/skeleton.js'
import { takeOver, type TakenOver } from '../../lib/tree/take-over.js'
import { TreeControl } from '../../lib/tree/tree-control.js'
import { testDir } from '../helpers/files.js'
import { build, digestsFor, file, folder, link } from '../manifest/manifests.js'
import { digest, listTree, plant } from './trees.js'

const control = () => new TreeControl().buffer

await t.test('what is the same, and what is not', async (t) => {
  const before = build([file('a', 1), file('b', 2), folder('c'), file('d/e', 3), link('l', 'a'), file('x', 1)])
  const now = build([file('a', 1), { ...file('b', 2), digests: digestsFor(2, 'other') }, file('c/f', 1), file('d/e', 3), link('l', 'b'), { ...file('x', 1), isExecutable: true }])
  t.strictSame([...sameFiles(before, now)], [0, 0, 3, 3, 5, 5])
  t.strictSame(differences(before, now).first, ['"b" (changed)', '"c" (removed)', '"c/f" (added)', '"l" (changed)', '"x" (changed)'])
  t.equal(differences(before, before).count, 0)
})

async function takeOverAll (t: Test, between: (old: string) => void = () => {}): Promise<{ old: string, root: string, taken: TakenOver }> {
  const old = plant(join(t.testdir({}), 'old'), { a: 'a', 'b/c': 'c', zeros: Buffer.alloc(3 * 2 ** 20), 'to-be-x': 'x' })
  utimesSync(join(old, 'a'), 1_000_000_000, 1_000_000_000.123)
  const before = await digest(old)
  const next = join(t.testdirName, 'next')
  plant(next, { a: 'a', 'b/c': 'c', zeros: Buffer.alloc(3 * 2 ** 20), 'to-be-x': 'x', new: 'new' })
  chmodSync(join(next, 'to-be-x'), 0o755)
  const wanted = (await digest(next)).manifest
  const root = join(t.testdirName, 'tree')
  makeSkeleton({ manifest: wanted.data, root, target: old, control: control() })
  between(old)
  const taken = takeOver({ manifest: wanted.data, root, old: { manifest: before.manifest.data, root: old, identities: before.identities }, pairs: sameFiles(before.manifest, wanted), control: control() })
  return { old, root, taken }
}

await t.test('what is the same is taken over, and costs nothing', async (t) => {
  const { old, root, taken } = await takeOverAll(t)
  t.strictSame(listTree(root), { a: 'a', b: 'folder', 'b/c': 'c', new: '', 'to-be-x': 'x x', zeros: '\0'.repeat(3 * 2 ** 20) })
  t.equal(taken.reflinked + taken.linked + taken.copied, 4)
  t.equal(lstatSync(join(root, 'zeros')).blocks, lstatSync(join(old, 'zeros')).blocks)
  t.equal(Math.floor(lstatSync(join(root, 'a')).mtimeMs), 1_000_000_000_123, 'its time is as it was')
  t.notSame(lstatSync(join(root, 'to-be-x')).ino, lstatSync(join(old, 'to-be-x')).ino, 'what is to have other bits is no link')
})

await t.test('what was changed since is not taken over, nor what somebody put in its place', async (t) => {
  const { root, taken } = await takeOverAll(t, (old) => {
    appendFileSync(join(old, 'a'), 'more')
    unlinkSync(join(old, 'b/c'))
    symlinkSync('../a', join(old, 'b/c'))
  })
  t.equal(taken.lacking.length, 2)
  t.match(listTree(root), { a: '', 'b/c': '' })
})

await t.test('a file that was linked, and written to since, is never written to by us', async (t) => {
  const dir = t.testdir({})
  const [mine, root] = [plant(join(dir, 'mine'), { a: 'aaaa', b: 'bbbb', c: 'cccc' }), join(dir, 'tree')]
  mkdirSync(root)
  const { manifest } = await digest(mine)
  for (const name of ['a', 'b', 'c']) linkSync(join(mine, name), join(root, name))
  writeFileSync(join(mine, 'a'), 'AAAA')
  appendFileSync(join(mine, 'b'), ', and more')
  t.strictSame([...findKept({ manifest: manifest.data, entries: Uint32Array.of(0, 1, 2), root, control: control() })], [manifest.firstPieceOf(2)])
  t.strictSame(listTree(root), { a: '', b: '', c: 'cccc' }, 'what comes goes to files of its own')
  t.strictSame(listTree(mine), { a: 'AAAA', b: 'bbbb, and more', c: 'cccc' })
})

await t.test('what was taken over and is not right is made anew, for zeros would not be written over it', async (t) => {
  const dir = testDir(t)
  const wanted = (await digest(plant(join(dir, 'wanted'), { bad: Buffer.alloc(2 ** 21), good: 'good' }))).manifest
  const root = plant(join(dir, 'tree'), { bad: Buffer.concat([Buffer.alloc(2 ** 20), Buffer.alloc(2 ** 20, 1)]), good: 'good' })
  const kept = [...findKept({ manifest: wanted.data, entries: Uint32Array.of(0, 1), root, isTakenOver: true, control: control() })]
  t.strictSame(kept, [wanted.firstPieceOf(1)])
  t.strictSame(listTree(root), { bad: '', good: 'good' })
})

await t.test('two trees are exchanged', async (t) => {
  const dir = t.testdir({ D: { version: 'old' }, '.piecemeal-0-new': { version: 'new' }, canary: 'safe' })
  const [target, hidden, note] = [join(dir, 'D'), join(dir, '.piecemeal-0-new'), join(dir, 'note')]
  chmodSync(target, 0o555)
  await exchange({ target, hidden, note })
  t.equal(readFileSync(join(target, 'version'), 'utf8'), 'new')
  t.equal(readFileSync(join(hidden, 'version'), 'utf8'), 'old')
  t.notOk(existsSync(note))
})

await t.test('whatever a crash left half done is put back, or done', async (t) => {
  const dir = t.testdir({})
  const [target, hidden, aside, note] = [join(dir, 'D'), join(dir, 'hidden'), join(dir, 'hidden.old'), join(dir, 'note')]
  /** Of two renames, and the one of a swap. */
  const steps: Array<[what: string, isDone: boolean, step: () => void]> = [
    ['nothing', false, () => {}],
    ['the old one is aside', false, () => renameSync(target, aside)],
    ['the new one has its name', true, () => {
      renameSync(target, aside)
      renameSync(hidden, target)
    }],
    ['all', true, () => {
      renameSync(target, aside)
      renameSync(hidden, target)
      renameSync(aside, hidden)
    }],
  ]
  for (const [what, isDone, step] of steps) {
    t.testdir({ D: { version: 'old' }, hidden: { version: 'new' } })
    const [newIno, oldIno] = [hidden, target].map((path) => String(lstatSync(path, { bigint: true }).ino))
    writeFileSync(note, JSON.stringify({ hidden, target, newIno, oldIno }))
    step()
    t.equal(await settleExchange(note), isDone, what)
    t.strictSame([target, hidden].map((path) => readFileSync(join(path, 'version'), 'utf8')), isDone ? ['new', 'old'] : ['old', 'new'], what)
    t.notOk(existsSync(aside))
    t.notOk(existsSync(note))
  }
  writeFileSync(note, '{"hidden":')
  t.equal(await settleExchange(note), false)
  t.notOk(existsSync(note))
})

await t.test('what is a mount, or holds one, can\'t be exchanged', async (t) => {
  await t.rejects(assertExchangeable('/proc'), { code: 'E_EXISTS', message: /mounted at "\/proc"/ })
  await t.resolves(assertExchangeable(join(t.testdir({ D: {} }), 'D')))
})

async function removeAfter (t: Test, change: (root: string) => void): Promise<{ removed: Removed, dir: string, kept: string }> {
  const dir = t.testdir({ canary: { file: 'safe' } })
  const root = plant(join(dir, 'old'), { a: 'a', 'b/c': 'c', 'b/d/e': 'e', 'f/': '' })
  symlinkSync('../a', join(root, 'b', 'link'))
  symlinkSync('b', join(root, 'to-folder'))
  const { manifest, identities } = await digest(root)
  change(root)
  const kept = join(dir, 'old.kept')
  const removed = removeTree({ manifest: manifest.data, identities, root, keptIn: kept, control: control() })
  t.strictSame(listTree(join(dir, 'canary')), { file: 'safe' })
  return { removed, dir, kept }
}

await t.test('an old version goes away, and leaves nothing', async (t) => {
  const { removed, dir } = await removeAfter(t, (root) => {
    chmodSync(join(root, 'b', 'd'), 0o555)
    chmodSync(root, 0o555)
  })
  t.strictSame(removed, { kept: [], keptCount: 0, isGone: true })
  t.strictSame(readdirSync(dir), ['canary'])
})

await t.test('what somebody added, changed or replaced is kept', async (t) => {
  const { removed, kept, dir } = await removeAfter(t, (root) => {
    appendFileSync(join(root, 'a'), ' and more')
    plant(root, { 'b/new': 'new', 'g/h/i': 'mine' })
    unlinkSync(join(root, 'b/d/e'))
    symlinkSync('../../../canary/file', join(root, 'b/d/e'))
    symlinkSync('../../canary', join(root, 'f/canary'))
    mkdirSync(join(root, 'f/empty'))
  })
  t.strictSame(removed, { kept: ['a', 'b/d/e', 'b/new', 'f/canary', 'f/empty', 'g'], keptCount: 6, isGone: true })
  t.strictSame(readdirSync(dir), ['canary', 'old.kept'])
  t.match(listTree(kept), { a: 'a and more', 'b/new': 'new', 'g/h/i': 'mine', 'f/canary': '-> ../../canary' })
})

await t.test('a file that was linked is no other for that', async (t) => {
  const { removed, dir } = await removeAfter(t, (root) => {
    linkSync(join(root, 'a'), join(root, '../linked'))
    chmodSync(join(root, 'b/c'), 0o600)
  })
  t.equal(removed.keptCount, 0)
  t.equal(readFileSync(join(dir, 'linked'), 'utf8'), 'a')
})

await t.test('a tree takes whole blocks, and pieces of zeros take none', async (t) => {
  const root = plant(t.testdir(), { 'a/b/one': 'x', 'a/c': '', large: Buffer.alloc(2 * 2 ** 20, 1), zeros: Buffer.alloc(4 * 2 ** 20) })
  const { manifest } = await digest(root)
  const measured = measureTree({ manifest: manifest.data, folder: root, hasHoles: true })
  t.strictSame({ ...measured, bytes: measured.bytes / 4_096 }, { blockBytes: 4_096, bytes: 1 + 2 + 1 + 512, sameBytes: 0, inodes: 7, largestFile: 4 * 2 ** 20 })
  t.equal(measureTree({ manifest: manifest.data, folder: root, hasHoles: false }).bytes - measured.bytes, 4 * 2 ** 20, 'but where there are no holes')
  const same = Uint32Array.from(['large', 'zeros'].flatMap((path, at) => [at, manifest.find(path) ?? 0]))
  t.equal(measureTree({ manifest: manifest.data, same, folder: root, hasHoles: true }).sameBytes, 2 * 2 ** 20)
})
