/** Several threads make one tree, and look at it: it comes out as if one had. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Manifest } from '../../lib/manifest/manifest.js'
import { makeTree, type MakeThreads } from '../../lib/tree/make-tree.js'
import { NameCheck, namesAreRight } from '../../lib/tree/name-check.js'
import { sharesOf, type Share } from '../../lib/tree/shares.js'
import { makeSkeleton, type SkeletonTask } from '../../lib/tree/skeleton.js'
import { TreeControl } from '../../lib/tree/tree-control.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { build, file, folder, inOrder } from '../manifest/manifests.js'
import { listTree } from './trees.js'

const ROUNDS = 40

const seed = chooseSeed()
const random = seededRandom(seed)
const upTo = (most: number): number => Math.floor(random() * (most + 1))
const control = new TreeControl().buffer

const threads: MakeThreads = {
  makeSkeleton: async (task) => await Promise.resolve(makeSkeleton(task)),
  namesAreRight: async (task) => await Promise.resolve(namesAreRight(task)),
}

function anyTree (): Manifest {
  const paths = new Set(Array.from({ length: 1 + upTo(40) }, () => Array.from({ length: 1 + upTo(4) }, () => 'abc'.charAt(upTo(2))).join('/')))
  const ends = [...paths].filter((path) => ![...paths].some((other) => other.startsWith(`${path}/`)))
  return build(inOrder(ends.map((path) => random() < 0.2 ? folder(path) : file(path, 0))))
}

function anyShares (count: number): Share[] {
  const ends = [...new Set(Array.from({ length: upTo(5) }, () => upTo(count))).add(count)].filter((end) => end > 0).sort((a, b) => a - b)
  return ends.map((end, i) => ({ from: ends[i - 1] ?? 0, end }))
}

await t.test(`whatever the shares: PIECEMEAL_SEED=${seed}`, async (t) => {
  const dir = t.testdir({})
  for (let round = 0; round < ROUNDS; round++) {
    const manifest = anyTree()
    const task = { manifest: manifest.data, target: join(dir, 'target'), control }
    const [one, several] = [join(dir, `one-${round}`), join(dir, `several-${round}`)]
    makeSkeleton({ ...task, root: one })
    const shares = anyShares(manifest.entryCount)
    t.strictSame(await makeTree({ ...task, root: several }, threads, shares), { lacking: [] })
    t.strictSame(listTree(several), listTree(one), `${shares.length} shares`)

    for (const path of Object.keys(listTree(one)).filter(() => random() < 0.2)) rmSync(join(one, path), { recursive: true, force: true })
    for (let i = upTo(3); i > 0; i--) plantIfPossible(join(one, ['a', 'b', 'c'].slice(upTo(2)).join('/'), 'other'))
    const faults = faultsOf(manifest, one, [{ from: 0, end: manifest.entryCount }])
    t.strictSame(faultsOf(manifest, one, shares), faults)
    t.equal(shares.every((share) => namesAreRight({ ...task, root: one, share })), faults.length === 0)
  }
})

function plantIfPossible (path: string): void {
  try {
    mkdirSync(dirname(path))
  } catch {
    // It is there, or can't be.
  }
  try {
    writeFileSync(path, '')
  } catch {
    // There is a file above it.
  }
}

function faultsOf (manifest: Manifest, root: string, shares: Share[]): string[] {
  const faults = new Set<string>()
  const check = new NameCheck({
    manifest, root, control: new TreeControl(control), onMissing: (index) => { faults.add(`${index} is missing`) }, onUnexpected: (path) => { faults.add(`${path} is there`) },
  })
  for (const share of shares) check.run(Uint32Array.from({ length: manifest.entryCount }, (_, i) => i), share)
  return [...faults].sort()
}

await t.test('what can\'t be held is told by one that makes it all again', async (t) => {
  const root = join(t.testdir({}), 'tree')
  const manifest = build([file('a/b', 0), file('a/c', 0), file('d', 0)])
  const tasks: SkeletonTask[] = []
  const task = { manifest: manifest.data, root, target: root, control }
  const shares = [{ from: 0, end: 1 }, { from: 1, end: 3 }]
  const odd = { ...threads, makeSkeleton: async (task: SkeletonTask) => tasks.push(task) === 2 ? { lacking: [2] } : await threads.makeSkeleton(task) }
  t.strictSame(await makeTree(task, odd, shares), { lacking: [] })
  t.match(tasks, [{ made: ['a/'] }, { made: ['a/'] }, { isAgain: true }])
  t.strictSame(listTree(root), { a: 'folder', 'a/b': '', 'a/c': '', d: '' })
  await t.rejects(makeTree(task, threads, shares), { code: 'E_IO' }, 'nothing is made where something is')
})

await t.test('a few thousand entries are worth a second thread', async (t) => {
  const manifest = (count: number) => ({ manifest: { ...build([]).data, count } })
  t.equal(sharesOf(manifest(0)).length, 1)
  t.equal(sharesOf(manifest(3_999), { most: 8 }).length, 1)
  t.strictSame(sharesOf(manifest(5_000), { most: 8 }), [{ from: 0, end: 2_500 }, { from: 2_500, end: 5_000 }])
  t.equal(sharesOf(manifest(1_000_000), { most: 8 }).length, 8)
})
