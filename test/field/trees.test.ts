/** Folders on file systems that can't hold all names, links or times, or can't be read to the end. */
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Entry } from '../../lib/manifest/entry.js'
import { differences } from '../../lib/tree/compare-trees.js'
import { assertExchangeable, exchange } from '../../lib/tree/exchange.js'
import { keepTree } from '../../lib/tree/find-tree.js'
import { finishTree } from '../../lib/tree/finish-tree.js'
import { newIdentities } from '../../lib/tree/identities.js'
import { removeTree } from '../../lib/tree/remove-tree.js'
import { makeTree } from '../../lib/tree/make-tree.js'
import { namesAreRight } from '../../lib/tree/name-check.js'
import { makeSkeleton, type Skeleton, type SkeletonTask } from '../../lib/tree/skeleton.js'
import { TreeControl } from '../../lib/tree/tree-control.js'
import { tempDir } from '../helpers/files.js'
import { build, file, folder, inOrder, link } from '../manifest/manifests.js'
import { digest, listTree, plant } from '../tree/trees.js'
import { behindOdd, mountExfat, mountExt4, mountOdd, run, unmountAfter, type Mount } from './mounts.js'

t.setTimeout(120_000)

const MB = 1_000_000
const { EIO, EPERM } = constants.errno

async function place (t: Test): Promise<Mount> {
  const dir = await tempDir(t)
  const mountPoint = join(dir, 'mounted')
  mkdirSync(mountPoint)
  return { dir, mountPoint }
}

function skeletonAt (mountPoint: string, entries: Entry[], skipMissing = false): Skeleton {
  return makeSkeleton(skeletonTask(mountPoint, skipMissing ? 'less' : 'tree', entries, skipMissing))
}

function skeletonTask (mountPoint: string, name: string, entries: Entry[], skipMissing = false): SkeletonTask {
  return { manifest: build(inOrder(entries)).data, root: join(mountPoint, name), target: join(mountPoint, 'target'), skipMissing, control: new TreeControl().buffer }
}

/** Each entry as if a thread of its own had made it. */
async function inShares (task: SkeletonTask): Promise<Skeleton> {
  return await makeTree(task, {
    makeSkeleton: async (task) => await Promise.resolve(makeSkeleton(task)),
    namesAreRight: async (task) => await Promise.resolve(namesAreRight(task)),
  }, Array.from({ length: task.manifest.count }, (_, i) => ({ from: i, end: i + 1 })))
}

await t.test('what can\'t be told apart is named, both of it, and the rest can be had', async (t) => {
  for (const [what, lacks, entries, message, rest] of [
    ['case', 'case', [file('A/x', 0), file('a/y', 0), file('b', 0)], /"a\/y" \(it can't be told from "A" here\)/, ['A', 'A/x', 'b']],
    ['case of files', 'case', [file('README', 0), file('readme', 0)], /"readme" \(it can't be told from "README" here\)/, ['README']],
    ['a dot at the end', 'dots', [file('a', 0), file('a.', 0)], /"a\." \(it can't be told from "a" here\)/, ['a']],
    ['a name that comes out as another', 'dots', [file('a.', 0), file('b', 0)], /"a\." \(it came out under another name\)/, ['b']],
    ['a folder that comes out as another', 'dots', [file('S, A./x', 0), file('b', 0)], /"S, A\.\/x" \(it came out under another name\)/, ['b']],
    ['a name that is too long', 'long=143', [file('n'.repeat(143), 0), file('n'.repeat(144), 0)], /: 1 path: "n{144}" \(ENAMETOOLONG\)/, ['n'.repeat(143)]],
  ] as const) {
    await t.test(what, async (t) => {
      const setting = await place(t)
      await mountOdd(t, setting, lacks)
      t.throws(() => skeletonAt(setting.mountPoint, [...entries]), { code: 'E_NAME', message })
      skeletonAt(setting.mountPoint, [...entries], true)
      t.strictSame(Object.keys(listTree(join(setting.mountPoint, 'less'))).sort(), rest)
      await t.rejects(inShares(skeletonTask(setting.mountPoint, 'shares', [...entries])), { code: 'E_NAME', message }, 'also where several threads make it')
    })
  }
})

await t.test('where there are no links, that is told first', async (t) => {
  const setting = await place(t)
  await mountOdd(t, setting, `symlinks=${EPERM}`)
  const entries = [file('a', 0), folder('b'), link('c', 'a')]
  t.throws(() => skeletonAt(setting.mountPoint, entries), { code: 'E_IO', message: /: 1 path: "c" \(a link\)/ })
  t.strictSame(skeletonAt(setting.mountPoint, entries, true).lacking, [2])
})

await t.test('exFAT: names, links and times', async (t) => {
  const setting = await place(t)
  mountExfat(t, setting, 64 * MB)
  for (const name of ['q?', 'a:b', 'x*']) t.throws(() => skeletonAt(setting.mountPoint, [file(name, 0)]), { code: /E_NAME|E_IO/ }, name)
  spawnSync('rm', ['-rf', join(setting.mountPoint, 'tree')])
  t.throws(() => skeletonAt(setting.mountPoint, [file('a', 0), file('A', 0)]), { code: 'E_NAME', message: /can't be told from "A"/ })
  spawnSync('rm', ['-rf', join(setting.mountPoint, 'tree')])
  t.throws(() => skeletonAt(setting.mountPoint, [link('l', 'a')]), { code: 'E_IO' })
  spawnSync('rm', ['-rf', join(setting.mountPoint, 'tree')])
  const manifest = build([{ ...file('a', 0), mtimeMs: -1_500 }, { ...file('b', 0), mtimeMs: 1_700_000_000_000 }])
  const root = join(setting.mountPoint, 'timed')
  makeSkeleton({ manifest: manifest.data, root, target: root, control: new TreeControl().buffer })
  const identities = newIdentities(2)
  const finished = finishTree({ manifest: manifest.data, root, identities, control: new TreeControl().buffer })
  t.match(finished, { otherTimes: 1, allExecutable: true })
  const treeFile = join(setting.dir, 'timed.tree')
  const { digest: before } = keepTree({ ...finished, root, manifest: manifest.data, identities, lookedAtMs: Date.now(), treeFile })
  t.not((await digest(root)).content.digest, before)
  for (const file of ['a', 'b']) rmSync(join(root, file))
  plant(root, { a: '', b: '' })
  t.strictSame(differences(manifest, (await digest(root, { treeFile })).manifest).count, 0, 'which are to be executable is known from what is remembered')
})

await t.test('a folder that can\'t be listed ends the walk, whatever may be left out', async (t) => {
  const setting = await place(t)
  await mountOdd(t, setting, `list=${EIO}`)
  plant(join(setting.mountPoint, 'd'), { a: 'a', 'b/c': 'c' })
  t.equal((await digest(join(setting.mountPoint, 'd'))).manifest.entryCount, 2)
  writeFileSync(join(behindOdd(setting.dir), '.bad'), '')
  await t.rejects(digest(join(setting.mountPoint, 'd'), { skipSpecial: true, allowShrink: true }), { code: 'E_IO', message: /cannot read the folder/ })
})

await t.test('a disk that was unmounted is no folder that somebody emptied', async (t) => {
  const setting = await place(t)
  mountExt4(t, setting, 16 * MB)
  const root = plant(join(setting.mountPoint, 'd'), Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`, `${i}`])))
  const treeFile = join(setting.dir, 'd.tree')
  await digest(root, { treeFile })
  run('umount', setting.mountPoint)
  plant(root, { x: '' })
  await t.rejects(digest(root, { treeFile }), { code: 'E_CHANGED', message: /where it had 100 .* another device now: is its disk mounted/ })
  await t.resolves(digest(root, { treeFile, allowShrink: true }))
})

await t.test('a mount is neither exchanged nor emptied', async (t) => {
  const { dir } = await place(t)
  const root = plant(join(dir, 'old'), { 'a/b': 'b', 'empty/': '' })
  const { manifest, identities } = await digest(root)
  const keep = plant(join(dir, 'keep'), { x: 'mine', b: 'mine too' })
  run('mount', '--bind', keep, join(root, 'empty'))
  unmountAfter(t, join(root, 'empty'))
  await t.rejects(assertExchangeable(root), { code: 'E_EXISTS', message: /mounted at/ })
  mkdirSync(join(dir, 'hidden'))
  await t.rejects(exchange({ target: root, hidden: join(dir, 'hidden'), note: join(dir, 'note') }), { code: 'E_EXISTS' })
  const removed = removeTree({ manifest: manifest.data, identities, root, keptIn: join(dir, 'kept'), control: new TreeControl().buffer })
  t.match(removed, { isGone: false, keptCount: 0 })
  t.strictSame(readdirSync(keep), ['b', 'x'])
  t.notOk(existsSync(join(root, 'a')))
})

await t.test('a folder of a lower layer of overlayfs is not exchanged, and nothing happens to it', async (t) => {
  const { dir, mountPoint } = await place(t)
  // On a disk of its own: what tests are in may be an overlay.
  mountExt4(t, { dir, mountPoint }, 32 * MB)
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(mountPoint, name))
  plant(join(mountPoint, 'lower'), { 'd/version': 'old' })
  const merged = join(mountPoint, 'merged')
  run('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${mountPoint}/lower,upperdir=${mountPoint}/upper,workdir=${mountPoint}/work`, merged)
  unmountAfter(t, merged)
  plant(join(merged, 'new'), { version: 'new' })
  await t.rejects(exchange({ target: join(merged, 'd'), hidden: join(merged, 'new'), note: join(dir, 'note') }), { code: 'E_EXISTS', message: /EXDEV/ })
  t.strictSame(listTree(join(merged, 'd')), { version: 'old' })
  t.strictSame(listTree(join(merged, 'new')), { version: 'new' })
  t.ok(lstatSync(join(merged, 'd')).isDirectory())
})
