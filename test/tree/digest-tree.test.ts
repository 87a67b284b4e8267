import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { blake3 } from '@napi-rs/blake-hash'
import { contentOf } from '../../lib/content/digest.js'
import { identityOf, isSameFile } from '../../lib/disk/own-file.js'
import { contentOfManifest } from '../../lib/manifest/write-manifest.js'
import { identityAt } from '../../lib/tree/identities.js'
import { build, file, folder, link } from '../manifest/manifests.js'
import { digest, hereAsThreads, pathsOf, plant } from './trees.js'

const MiB = 2 ** 20

function treeFileOf (t: Test): string {
  return join(t.testdir({ hidden: {} }), 'hidden', 'trees', 'a.tree')
}

await t.test('a folder is what its manifest says, whoever writes it', async (t) => {
  const large = Buffer.alloc(3 * MiB + 5, 'large')
  const root = plant(t.testdir(), { 'a/b': 'one', 'a-b': 'two', 'a.c/': '', large, 'run.sh': '#!/bin/sh', 'ä/é 😀': '' })
  chmodSync(join(root, 'run.sh'), 0o755)
  symlinkSync('../a-b', join(root, 'a', 'link'))
  const { manifest, content, leftOut } = await digest(root)
  const one = (path: string, bytes: Buffer | string, isExecutable = false) => ({ ...file(path, bytes.length), digests: contentOf(Buffer.from(bytes)).pieces, isExecutable })
  const expected = build([one('a/b', 'one'), link('a/link', '../a-b'), one('a-b', 'two'), folder('a.c'), one('large', large), one('run.sh', '#!/bin/sh', true), one('ä/é 😀', '')])
  t.strictSame([...manifest.entries()], [...expected.entries()])
  t.equal(content.digest, contentOfManifest(expected).digest)
  t.strictSame(leftOut, { count: 0, first: [], folders: [] })
})

await t.test('a time that has more nanoseconds than 64 bits is no change', async (t) => {
  const root = plant(t.testdir(), { a: 'a' })
  utimesSync(join(root, 'a'), 15_032_385_535, 15_032_385_535)
  const { manifest, identities } = await digest(root, { hasTimes: true })
  t.match(manifest.entry(0), { mtimeMs: lstatSync(join(root, 'a')).mtimeMs })
  t.ok(isSameFile(identityAt(identities, 0), identityOf(lstatSync(join(root, 'a'), { bigint: true }))))
})

await t.test('times are part of it only where they are asked for, and whole milliseconds', async (t) => {
  const root = plant(t.testdir(), { a: 'a', b: 'b', 'c/': '' })
  utimesSync(join(root, 'a'), new Date(-1_500), new Date(-1_500))
  utimesSync(join(root, 'b'), 1_700_000_000.123_456, 1_700_000_000.123_456)
  utimesSync(join(root, 'c'), 0, 0)
  const { manifest } = await digest(root, { hasTimes: true })
  t.strictSame([...manifest.entries()].map((entry) => entry.kind === 'link' ? undefined : entry.mtimeMs), [-1_500, 1_700_000_000_123, 0])
  const without = await digest(root)
  t.notMatch(without.manifest.entry(0), { mtimeMs: Number })
})

await t.test('a folder in which there is nothing is one all the same', async (t) => {
  const { manifest, content } = await digest(plant(t.testdir(), {}))
  t.equal(manifest.entryCount, 0)
  t.match(content.digest, /^blake3:/)
})

await t.test('hidden folders of ours are left out without a word, and their parents stay', async (t) => {
  const root = plant(t.testdir(), { 'a/.piecemeal/lock': '', [`b/.piecemeal-0-${'0'.repeat(32)}/x`]: '', c: '' })
  const { manifest, leftOut } = await digest(root)
  t.strictSame([...manifest.entries()].map(({ kind, path }) => `${kind} ${path}`), ['folder a', 'folder b', 'file c'])
  t.equal(leftOut.count, 0)
})

await t.test('what may not be shared is refused, and left out if that is asked for', async (t) => {
  const root = plant(t.testdir(), { 'good/a': 'a' })
  // Its path has to be shorter than those of tests are.
  const short = mkdtempSync(join(tmpdir(), 's-'))
  const server = createServer().listen(join(short, 'socket'))
  await once(server, 'listening')
  renameSync(join(short, 'socket'), join(root, 'socket'))
  t.teardown(() => {
    server.close()
    rmdirSync(short)
  })
  t.equal(spawnSync('mkfifo', [join(root, 'good', 'pipe')]).status, 0)
  symlinkSync('/etc/passwd', join(root, 'absolute'))
  symlinkSync('good/../../canary', join(root, 'out'))
  symlinkSync('out', join(root, 'through'))
  symlinkSync('not-there', join(root, 'dangling'))
  symlinkSync('circle', join(root, 'circle'))
  await t.rejects(digest(root), { code: 'E_FORBIDDEN', message: /: 6 paths: "absolute" \(.*\), "good\/pipe" \(a pipe\), "socket" \(a socket\), "circle"/ })
  const { manifest, leftOut } = await digest(root, { skipSpecial: true })
  t.strictSame(pathsOf(manifest), ['dangling', 'good/a'])
  t.equal(leftOut.count, 6)
})

await t.test('links that lead out are told, all of them', async (t) => {
  const root = plant(t.testdir(), { q: '' })
  // On paper both stay inside.
  mkdirSync(join(root, 'a/b'), { recursive: true })
  symlinkSync('../../q', join(root, 'a/b/p'))
  symlinkSync('../../a/b/p/../../canary', join(root, 'a/b/x'))
  symlinkSync('..', join(root, 'up'))
  await t.rejects(digest(root), { code: 'E_FORBIDDEN', message: /: 2 paths: "a\/b\/x" .*, "up" / })
  t.strictSame(pathsOf((await digest(root, { skipSpecial: true })).manifest), ['a/b/p', 'q'])
})

await t.test('names that are not text, or are not allowed', async (t) => {
  const root = plant(t.testdir(), { good: '', 'new\nline': '', 'back\\slash': '', '.piecemeal': 'a file' })
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xff])]), '')
  await t.rejects(digest(root), { code: 'E_NAME', message: /: 4 paths: / })
  const { manifest, leftOut } = await digest(root, { skipSpecial: true })
  t.strictSame(pathsOf(manifest), ['good'])
  t.equal(leftOut.count, 4)
})

await t.test('65 folders deep is one too many', async (t) => {
  const root = t.testdir()
  plant(root, { [`${'d/'.repeat(63)}f`]: '' })
  t.equal((await digest(root)).manifest.entryCount, 1)
  plant(root, { [`${'d/'.repeat(64)}f`]: '' })
  await t.rejects(digest(root), { code: 'E_NAME', message: /64 deep/ })
})

await t.test('a file that is written to while it is digested', async (t) => {
  const root = plant(t.testdir(), { a: 'a', 'log/one': 'b' })
  const change = (): void => { writeFileSync(join(root, 'log/one'), `${Math.random()}`) }
  await t.rejects(digest(root, { threads: hereAsThreads(change) }), { code: 'E_CHANGED', message: /: 1 path: "log\/one"$/ })
  const { manifest, leftOut } = await digest(root, { threads: hereAsThreads(change), skipSpecial: true })
  t.strictSame([...manifest.entries()].map(({ kind, path }) => `${kind} ${path}`), ['file a', 'folder log'])
  t.match(leftOut, { count: 1, first: [/log\/one.*written to/] })
})

await t.test('what has not changed is not digested again', async (t) => {
  const treeFile = treeFileOf(t)
  const root = plant(join(t.testdirName, 'tree'), { a: 'a', 'b/c': Buffer.alloc(2 * MiB + 1, 'c'), d: '' })
  let runs = 0
  const options = { threads: hereAsThreads(() => { runs++ }), treeFile }
  const later = { ...options, nowMs: () => Date.now() + 10_000 }
  const first = await digest(root, options)
  t.equal(runs, 1)
  t.equal((await digest(root, later)).content.digest, first.content.digest)
  t.equal(runs, 2, 'they were too young: another byte might not show')
  t.equal((await digest(root, later)).content.digest, first.content.digest)
  t.equal(runs, 2)

  renameSync(join(root, 'a'), join(root, 'e'))
  writeFileSync(join(root, 'd'), 'new')
  const changed = await digest(root, later)
  t.equal(runs, 3)
  t.strictSame(changed.manifest.pieces, (await digest(root)).manifest.pieces)
  t.strictSame(changed.manifest.pieces.subarray(-32), blake3('a'))
  await t.test('and what is remembered is not believed if it is not whole', async (t) => {
    const [name = ''] = readdirSync(join(treeFile, '..'))
    t.equal(join(treeFile, '..', name), treeFile)
    for (const damage of ['', 'piecemeal-tree/1\n', 'piecemeal-tree/1\n\xff\xff\xff\xff', Buffer.alloc(1_000)]) {
      writeFileSync(treeFile, damage)
      const before = runs
      t.equal((await digest(root, later)).content.digest, changed.content.digest)
      t.ok(runs > before)
    }
  })
})

await t.test('a thousand files, and one of them anew', async (t) => {
  const treeFile = treeFileOf(t)
  const root = join(t.testdirName, 'tree')
  for (let folder = 0; folder < 20; folder++) {
    mkdirSync(join(root, `${folder}`), { recursive: true })
    for (let i = 0; i < 50; i++) writeFileSync(join(root, `${folder}`, `${i}`), `${i}`)
  }
  const later = { treeFile, nowMs: () => Date.now() + 10_000 }
  const { manifest, content } = await digest(root, later)
  t.equal(manifest.head.files, 1_000)
  writeFileSync(join(root, '10', '49'), 'other')
  const progress: number[] = []
  const again = await digest(root, { ...later, onProgress: ({ bytes }) => progress.push(bytes) })
  t.strictSame(progress, [5], 'all that was read')
  t.notSame(again.content.digest, content.digest)
  t.strictSame(again.manifest.entry(again.manifest.find('10/49') ?? 0), { ...file('10/49', 5), digests: blake3('other') })
})

await t.test('a tree that is suddenly empty does not replace what it was', async (t) => {
  const treeFile = treeFileOf(t)
  const root = join(t.testdirName, 'tree')
  plant(root, { a: 'a', b: 'b', c: 'c', 'd/e': 'e' })
  const { content } = await digest(root, { treeFile })
  rmSync(join(root, 'a'))
  rmSync(join(root, 'd'), { recursive: true })
  await digest(root, { treeFile })
  rmSync(join(root, 'b'))
  await digest(root, { treeFile })
  rmSync(join(root, 'c'))
  writeFileSync(join(root, 'x'), '')
  await t.rejects(digest(root, { treeFile }), { code: 'E_CHANGED', message: /1 files with 0 bytes, where it had 1 with 1; --allow-shrink/ })
  t.notSame((await digest(root, { treeFile, allowShrink: true })).content.digest, content.digest)
  await digest(root, { treeFile })
})

await t.test('a folder that is no folder any more, or is not there', async (t) => {
  const root = plant(t.testdir(), { file: '' })
  await t.rejects(digest(join(root, 'file')), { code: 'E_IO' })
  await t.rejects(digest(join(root, 'nothing')), { code: 'E_IO' })
})

await t.test('it ends when nobody wants it any more', async (t) => {
  const root = plant(t.testdir(), { a: 'a' })
  await t.rejects(digest(root, { signal: AbortSignal.abort() }), { code: 'E_INTERRUPTED' })
})
