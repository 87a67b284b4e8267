import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { nameFolder } from '../../lib/disk/give-name.js'
import type { Manifest } from '../../lib/manifest/manifest.js'
import { finishTree } from '../../lib/tree/finish-tree.js'
import { newIdentities } from '../../lib/tree/identities.js'
import { publishTree } from '../../lib/tree/publish-tree.js'
import { makeSkeleton, type SkeletonTask } from '../../lib/tree/skeleton.js'
import { syncFiles } from '../../lib/tree/sync-tree.js'
import { TreeControl } from '../../lib/tree/tree-control.js'
import { packExtents, unpack } from '../../lib/tree/unpack.js'
import { build, file, folder, link } from '../manifest/manifests.js'
import { digest, listTree, plant } from './trees.js'

const control = () => new TreeControl().buffer

function skeleton (t: Test, manifest: Manifest, options: Partial<SkeletonTask> = {}): string {
  const root = join(t.testdir({ hidden: {} }), 'hidden', 'tree')
  makeSkeleton({ manifest: manifest.data, root, target: join(t.testdirName, 'target'), control: control(), ...options })
  return root
}

/** All of its bytes in one part file. */
function unpackAll (manifest: Manifest, source: string, root: string): void {
  const files = [...manifest.entries()].flatMap((entry, index) => entry.kind === 'file' ? [{ index, bytes: readFileSync(join(source, entry.path)) }] : [])
  writeFileSync(`${root}.part`, Buffer.concat([Buffer.from('before'), ...files.map(({ bytes }) => bytes)]))
  const extents = packExtents(files.map(({ index, bytes }) => ({ entry: index, offset: 0, bytes: bytes.length })))
  unpack({ manifest: manifest.data, root, from: `${root}.part`, position: 6, extents, control: control() })
}

const finish = (manifest: Manifest, root: string) => {
  const identities = newIdentities(manifest.entryCount)
  return { identities, ...finishTree({ manifest: manifest.data, root, identities, control: control() }) }
}

await t.test('a tree comes out as it was: bytes, bits, links, times', async (t) => {
  const source = plant(join(t.testdir({}), 'source'), { 'a/b': 'one', 'a-b': 'two', 'a.c/': '', large: Buffer.alloc(3 * 2 ** 20 + 5, 'large'), 'x/y/z': '', 'ä/é 😀': 'é', '-n': '', ' ': ' ' })
  writeFileSync(join(source, 'run.sh'), '#!/bin/sh', { mode: 0o755 })
  symlinkSync('../a-b', join(source, 'a', 'link'))
  const { manifest, identities } = await digest(source, { hasTimes: true })
  const root = join(source, '../tree-of-times')
  makeSkeleton({ manifest: manifest.data, root, target: source, control: control() })
  unpackAll(manifest, source, root)
  unpackAll(manifest, source, root)
  const finished = finish(manifest, root)
  t.strictSame(listTree(root, { times: true }), listTree(source, { times: true }))
  t.equal(finished.otherTimes, 0)
  t.strictSame([...finished.identities.size], [...identities.size].slice(0, manifest.entryCount))
  const to = join(source, '../published')
  await publishTree({ manifest: manifest.data, root, control: control(), to, filename: 'published', naming: { way: 'link', hiddenFolder: join(source, '..') } }, {
    syncFiles: async (task) => { await Promise.resolve(syncFiles(task)) },
    nameFolder: async (task) => { await Promise.resolve(nameFolder(task)) },
  })
  t.notOk(existsSync(root))
  t.equal(readFileSync(join(to, 'a/link'), 'utf8'), 'two')
  syncFiles({ manifest: manifest.data, root: to, entries: Uint32Array.from({ length: manifest.entryCount }, (_, i) => i), control: control() })
  t.equal((await digest(to, { hasTimes: true })).content.digest, (await digest(source, { hasTimes: true })).content.digest)
})

await t.test('times from before 1970, and those that seconds would round', async (t) => {
  const times = [-1_500, -1, 0, 1, 1_700_000_000_123, 9_000_000_000_001]
  const manifest = build(times.map((mtimeMs, i) => file(`${i}`, 0, { mtimeMs })))
  const root = skeleton(t, manifest)
  t.equal(finish(manifest, root).otherTimes, 0)
  t.strictSame(times.map((_, i) => Math.floor(lstatSync(join(root, `${i}`)).mtimeMs)), times)
})

await t.test('only what is wanted is made', async (t) => {
  const manifest = build([file('a/b', 0), file('a/c', 0), folder('d'), file('e/f', 0)])
  t.strictSame(listTree(skeleton(t, manifest, { entries: Uint32Array.of(1, 2) })), { a: 'folder', 'a/c': '', d: 'folder' })
})

await t.test('a file that ends in a piece of zeros is made as long as it is', async (t) => {
  const source = plant(join(t.testdir({}), 'source'), { zeros: Buffer.alloc(2 ** 20 + 7), 'not-zeros': 'x' })
  const { manifest } = await digest(source)
  const root = join(source, '../tree-of-zeros')
  makeSkeleton({ manifest: manifest.data, root, target: source, control: control() })
  t.throws(() => finish(manifest, root), { code: 'E_CHANGED', message: /not-zeros/ })
  writeFileSync(join(root, 'not-zeros'), 'x')
  finish(manifest, root)
  t.equal(lstatSync(join(root, 'zeros')).size, 2 ** 20 + 7)
  t.equal(lstatSync(join(root, 'zeros')).blocks, 0)
})

await t.test('a path that is too long for the kernel is told before anything is made of it', async (t) => {
  const long = Array.from({ length: 12 }, (_, i) => `${i}`.padStart(250, 'd')).join('/')
  const manifest = build([file('a', 0), file(long, 0)])
  const target = `/${'t/'.repeat(600)}`
  t.throws(() => skeleton(t, manifest, { target }), { code: 'E_NAME', message: /longer than 4095 bytes/ })
  t.strictSame(listTree(skeleton(t, manifest, { target, skipMissing: true })), { a: '' })
})

await t.test('nothing is made through a link, and nothing over what is there', async (t) => {
  const canary = t.testdir({ canary: { file: 'safe' }, hidden: {} })
  const manifest = build([file('a/b', 1), link('c', 'a')])
  const root = join(canary, 'hidden', 'tree')
  symlinkSync(join(canary, 'canary'), root)
  const task = { manifest: manifest.data, root, target: join(canary, 'target'), control: control() }
  t.throws(() => makeSkeleton(task), { code: 'E_IO' })
  t.strictSame(readdirSync(join(canary, 'canary')), ['file'])

  makeSkeleton({ ...task, root: `${root}-2` })
  writeFileSync(`${root}.part`, 'x')
  symlinkSync(join(canary, 'canary/file'), `${root}-2/evil`)
  const evil = build([file('evil', 1)])
  t.throws(() => unpack({ manifest: evil.data, root: `${root}-2`, from: `${root}.part`, position: 0, extents: packExtents([{ entry: 0, offset: 0, bytes: 1 }]), control: control() }), { code: 'E_IO' })
  t.equal(readFileSync(join(canary, 'canary/file'), 'utf8'), 'safe')
})

await t.test('a folder is named where nothing is, an empty folder included', async (t) => {
  const dir = t.testdir({ hidden: { tree: { a: 'a' } }, empty: {}, file: '' })
  const from = join(dir, 'hidden/tree')
  const naming = { way: 'claim' as const, hiddenFolder: join(dir, 'hidden') }
  for (const name of ['empty', 'file']) t.throws(() => nameFolder({ from, to: join(dir, name), filename: name, naming }), { code: 'E_EXISTS' })
  t.strictSame(readdirSync(join(dir, 'empty')), [])
  nameFolder({ from, to: join(dir, 'new'), filename: 'new', naming })
  t.strictSame(listTree(join(dir, 'new')), { a: 'a' })
})

await t.test('where there is no such move, the name is claimed by an empty folder', async (t) => {
  const dir = t.testdir({ bin: { mv: t.fixture('file', '#!/bin/sh\nexit 1\n') }, hidden: { tree: { a: 'a' } } })
  const { PATH } = process.env
  process.env.PATH = join(dir, 'bin')
  t.teardown(() => { process.env.PATH = PATH })
  const from = join(dir, 'hidden/tree')
  const naming = { way: 'claim' as const, hiddenFolder: join(dir, 'hidden') }
  nameFolder({ from, to: join(dir, 'new'), filename: 'new', naming })
  t.strictSame(listTree(join(dir, 'new')), { a: 'a' })
  t.strictSame(readdirSync(join(dir, 'hidden')), [])
  mkdirSync(from)
  t.throws(() => nameFolder({ from, to: join(dir, 'new'), filename: 'new', naming }), { code: 'E_EXISTS' })
})

await t.test('it ends when nobody wants it any more', async (t) => {
  const cancelled = new TreeControl()
  cancelled.cancel()
  const manifest = build([file('a', 0)])
  t.throws(() => skeleton(t, manifest, { control: cancelled.buffer }), { code: 'E_INTERRUPTED' })
})
