/** A folder is fetched, gone on with, or refused: without threads, from an owner of the test's own. */
import { appendFileSync, chmodSync, cpSync, existsSync, readdirSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { TreeThreads } from '../../lib/download/context.js'
import { download, type Downloaded, type DownloadOptions } from '../../lib/download/download.js'
import { FolderLayout } from '../../lib/content/layout.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import { SPARE_ROOM_BYTES } from '../../lib/protocol/limits.js'
import { KiB, MiB } from '../../lib/protocol/units.js'
import { measureTree, type TreeSize } from '../../lib/tree/measure-tree.js'
import { replaceRoom } from '../disk/replace-room.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { digest, listTree, plant } from '../tree/trees.js'
import { contextFor, folderOwner, found, type FolderOwner } from './folder-owner.js'

const LARGE = pseudoRandomBytes(3 * 2 ** 20 + 5, 'large')

function source (t: Test): string {
  const root = plant(t.testdir({ D: {}, into: {} }), Object.fromEntries([
    ['D/large', LARGE], ['D/a/none', ''], ['D/a/zeros', Buffer.alloc(200_000)], ['D/e/mpty/', ''], ['D/ä/é 😀', 'é'],
    ...Array.from({ length: 300 }, (_, i) => [`D/many/${i % 7}/${i}`, `this is ${i}`]),
  ]))
  chmodSync(join(root, 'D/ä/é 😀'), 0o755)
  symlinkSync('../large', join(root, 'D/a/link'))
  return join(root, 'D')
}

async function fetch (t: Test, from: FolderOwner, options: Partial<DownloadOptions> = {}, owners = [from.owner]): Promise<Downloaded> {
  const into = join(t.testdirName, 'into')
  return await download({ filename: 'D', signal: new AbortController().signal, ...options }, await contextFor(into, found(from, ...owners)))
}

const hidden = (t: Test): string[] => readdirSync(join(t.testdirName, 'into/.piecemeal'))

await t.test('all of it, and nothing else', async (t) => {
  const root = source(t)
  const owner = await folderOwner(t, root)
  const progress: unknown[] = []
  const { folder, owners, digest } = await fetch(t, owner, { onProgress: ({ reached }) => progress.push(reached) })
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
  t.strictSame([digest, folder?.files, folder?.bytes, folder?.entries], [owner.content.digest, 304, owner.manifest.head.size, undefined])
  t.strictSame(owners, [{ name: 'owner', bytes: owner.manifest.head.size }])
  t.strictSame(progress.at(-1), { files: 304, ofFiles: 304 })
  t.ok(owner.requests.length < 12, `${owner.requests.length} requests`)
  t.strictSame(hidden(t), [])
})

await t.test('some of it: what was wanted, and whole', async (t) => {
  const root = source(t)
  const owner = await folderOwner(t, root)
  const { folder } = await fetch(t, owner, { only: ['many/3', 'a/*'] })
  const wanted = Object.entries(listTree(root)).filter(([path]) => /^(?:many|many\/3.*|a|a\/.*)$/.test(path))
  t.strictSame(listTree(join(t.testdirName, 'into/D')), Object.fromEntries(wanted))
  t.equal(folder?.entries?.length, folder && folder.files + 1)
  t.ok(owner.requests.some(({ ranges }) => ranges !== undefined), 'what is in several places is one request')
})

await t.test('an owner that knows no several ranges is asked for one after the other', async (t) => {
  const root = source(t)
  const owner = await folderOwner(t, root, { ignoresRanges: true })
  const { owners } = await fetch(t, owner, { only: ['many/3', 'large', 'a/*'] })
  const wanted = Object.entries(listTree(root)).filter(([path]) => /^(?:large|many|many\/3.*|a|a\/.*)$/.test(path))
  t.strictSame(listTree(join(t.testdirName, 'into/D')), Object.fromEntries(wanted))
  const ofFiles = owner.requests.filter(({ of }) => of === undefined)
  t.ok(ofFiles[0]?.ranges !== undefined && ofFiles.slice(1).every(({ ranges }) => ranges === undefined), 'it is asked for several once')
  const asked = ofFiles.slice(1).reduce((bytes, { range: [start, end] }) => bytes + end - start, 0)
  t.equal(asked, owners[0]?.bytes, 'and sends nothing twice')
})

await t.test('zeros are neither asked for nor written, and are offered', async (t) => {
  const root = plant(t.testdir({ D: {}, into: {} }), { 'D/a': 'a', 'D/none': '', 'D/sparse': LARGE, 'D/z': 'z' })
  truncateSync(join(root, 'D/sparse'), 9 * MiB + 5)
  truncateSync(join(root, 'D/none'), 5 * MiB)
  const owner = await folderOwner(t, join(root, 'D'))
  const offered = new PieceSet(owner.manifest.pieceCount)
  const { zeroBytes, resumedBytes, owners } = await fetch(t, owner, { onUnpacked: (_folder, { firstPiece, endPiece }) => offered.addRange(firstPiece, endPiece) })
  t.strictSame([zeroBytes, resumedBytes, owners[0]?.bytes], [5 * MiB + 5 * MiB + 5, 0, 4 * MiB + 2])
  const asked = owner.requests.flatMap(({ of, range, ranges = [range] }) => of === undefined ? ranges : [])
  t.equal(asked.reduce((bytes, [start, end]) => bytes + end - start, 0), 4 * MiB + 2)
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(join(root, 'D')))
  t.equal(statSync(join(t.testdirName, 'into/D/none')).blocks, 0)
  t.ok(statSync(join(t.testdirName, 'into/D/sparse')).blocks * 512 <= 4 * MiB)
  t.equal(offered.size, offered.pieceCount)
})

await t.test('what has no room is refused before anything is made', async (t) => {
  const root = plant(t.testdir({ D: {}, into: {} }), { 'D/a': 'a' })
  const owner = await folderOwner(t, join(root, 'D'))
  const context = await contextFor(join(root, 'into'), found(owner, owner.owner))
  let isMade = false
  const trees: TreeThreads = {
    ...context.trees,
    makeSkeleton: async (task) => {
      isMade = true
      return await context.trees.makeSkeleton(task)
    },
  }
  const fetchWith = async (size: Partial<TreeSize>): Promise<Downloaded> => await download({ filename: 'D', signal: new AbortController().signal }, {
    ...context, trees: { ...trees, measureTree: async (task) => await Promise.resolve({ ...measureTree(task), ...size }) },
  })
  await t.rejects(fetchWith({ inodes: 1e12 }), { code: 'E_DISK_FULL', message: /"D": it has 1000000000016 files, links and folders, and the disk has inodes for \d+/ })
  await t.rejects(fetchWith({ bytes: 1e15 }), { code: 'E_DISK_FULL', message: /"D": it wants 1\d+ bytes/ })
  t.notOk(isMade)
  await fetchWith({})
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(join(root, 'D')))
})

await t.test('what the version before has as well needs no room', async (t) => {
  const root = source(t)
  const old = join(t.testdirName, 'old')
  cpSync(root, old, { recursive: true, verbatimSymlinks: true })
  appendFileSync(join(root, 'many/3/3'), ', and more')
  const { manifest, identities, content } = await digest(old)
  const standing = { digest: content.digest, size: content.size, isKnown: true, tree: { root: old, manifest: manifest.data, identities } }
  const owner = await folderOwner(t, root)
  const fetchWith = async (way: 'link' | 'claim', free: number): Promise<Downloaded> => {
    replaceRoom(t, free)
    const context = await contextFor(join(t.testdirName, 'into'), { ...found(owner, owner.owner), replaces: [content.digest] })
    return await download({ filename: 'D', signal: new AbortController().signal, standing }, { ...context, naming: { ...context.naming, way } })
  }
  const little = SPARE_ROOM_BYTES + 512 * KiB
  await t.rejects(fetchWith('claim', little), { code: 'E_DISK_FULL' }, 'where it can only be copied it does')
  await t.rejects(fetchWith('link', SPARE_ROOM_BYTES), { code: 'E_DISK_FULL', message: /it wants \d{5,6} bytes/ }, 'and so does what has changed')
  const { owners } = await fetchWith('link', little)
  t.strictSame(owners, [{ name: 'owner', bytes: 'this is 3, and more'.length }])
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
})

await t.test('a pattern that matches nothing', async (t) => {
  await t.rejects(fetch(t, await folderOwner(t, source(t)), { only: ['many/*', 'no'] }), { code: 'E_USAGE', message: /"no"/ })
  t.strictSame([existsSync(join(t.testdirName, 'into/D')), hidden(t)], [false, []])
})

await t.test('what is there is left as it is', async (t) => {
  const owner = await folderOwner(t, source(t))
  plant(t.testdirName, { 'into/D/mine': 'mine' })
  await t.rejects(fetch(t, owner), { code: 'E_EXISTS' })
  t.strictSame(listTree(join(t.testdirName, 'into/D')), { mine: 'mine' })
})

await t.test('one that was cut off is gone on with', async (t) => {
  const root = source(t)
  const ending = new AbortController()
  const owner = await folderOwner(t, root, {
    bytes: (honest, { of }) => {
      if (of !== undefined || ending.signal.aborted) return honest
      ending.abort()
      return honest.subarray(0, honest.length / 2)
    },
  })
  await t.rejects(fetch(t, owner, { signal: ending.signal }), { code: 'E_INTERRUPTED' })
  t.notOk(existsSync(join(t.testdirName, 'into/D')))
  const before = owner.requests.length
  const { resumedBytes, owners } = await fetch(t, owner)
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
  t.ok(resumedBytes > 0 && resumedBytes + (owners[0]?.bytes ?? 0) === owner.manifest.head.size, `${resumedBytes} bytes were there`)
  t.notOk(owner.requests.slice(before).some(({ of }) => of === 'manifest'), 'the manifest is there')
})

await t.test('an owner that lies about a file or about the manifest is not the last one', async (t) => {
  const root = source(t)
  const liar = await folderOwner(t, root, { bytes: (honest) => Buffer.alloc(honest.length, 'a lie') }, 'liar')
  const honest = await folderOwner(t, root)
  const { owners } = await fetch(t, honest, {}, [liar.owner, honest.owner])
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
  t.strictSame(owners.map(({ name }) => name), ['owner'])
})

await t.test('an owner that lies in one small file is asked no more', async (t) => {
  const root = source(t)
  const { manifest } = await folderOwner(t, root)
  const [entry = 0, layout] = [manifest.find('many/3/150'), new FolderLayout(manifest.sizes)]
  const lie = layout.offsetOfFile(entry)
  let told = 0
  const liar = await folderOwner(t, root, {
    bytes: (honest, { of, range: [start, end] }) => {
      if (of === undefined && start <= lie && lie < end) honest[lie - start] = 0x21 + told++
      return honest
    },
  }, 'liar')
  const honest = await folderOwner(t, root)
  await fetch(t, honest, {}, [liar.owner, honest.owner])
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
  t.ok(told <= 1, 'no lie is told a second time')
})

await t.test('two owners that each have some of it', async (t) => {
  const root = source(t)
  const { manifest } = await folderOwner(t, root)
  const half = (isIn: (piece: number) => boolean): object => {
    const have = new PieceSet(manifest.pieceCount)
    for (let piece = 0; piece < have.pieceCount; piece++) if (isIn(piece)) have.add(piece)
    return { have: have.toBytes().toString('base64'), final: true }
  }
  const one = await folderOwner(t, root, { complete: false, answer: half((piece) => piece < 100) }, 'one')
  const other = await folderOwner(t, root, { complete: false, answer: half((piece) => piece >= 90) }, 'other')
  const { owners } = await fetch(t, one, {}, [one.owner, other.owner])
  t.strictSame(listTree(join(t.testdirName, 'into/D')), listTree(root))
  t.strictSame(owners.map(({ name }) => name).sort(), ['one', 'other'])
})

await t.test('what no owner has any more', async (t) => {
  const root = source(t)
  const { manifest } = await folderOwner(t, root)
  const have = new PieceSet(manifest.pieceCount)
  have.addRange(0, manifest.pieceCount)
  for (const path of ['many/0/7', 'large']) have.delete(manifest.firstPieceOf(manifest.find(path) ?? 0))
  const owner = await folderOwner(t, root, { complete: false, answer: { have: have.toBytes().toString('base64'), final: true } })
  // One that waits for the same is no hope.
  const other = await folderOwner(t, root, { complete: false, answer: { have: have.toBytes().toString('base64') } }, 'other')
  await t.rejects(fetch(t, owner, {}, [owner.owner, other.owner]), { code: 'E_CHANGED', message: /2 paths: "large", "many\/0\/7"/ })
  t.notOk(existsSync(join(t.testdirName, 'into/D')))
  const { folder, resumedBytes } = await fetch(t, owner, { skipMissing: true })
  t.match([folder?.without, folder?.files, resumedBytes > 200_000], [2, 302, true])
  const { large, 'many/0/7': gone, ...rest } = listTree(root)
  t.strictSame(listTree(join(t.testdirName, 'into/D')), rest)
})
