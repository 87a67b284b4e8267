import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { digestPieces, type DigestTask } from '../../lib/disk/digest-pieces.js'
import { DigestCache } from '../../lib/disk/digest-cache.js'
import type { DigestPieces } from '../../lib/share/digest-file.js'
import { shareFile, type ShareFileOptions } from '../../lib/share/share-file.js'
import { untilFileClockMoves } from '../disk/file-clock.js'
import { MiB } from '../../lib/protocol/units.js'

/** Digests here and now, and remembers what it was asked for. */
function setUp (folder: string, before: (task: DigestTask) => Promise<void> | void = () => {}): { tasks: DigestTask[], options: ShareFileOptions } {
  const tasks: DigestTask[] = []
  const digest: DigestPieces = async (task) => {
    tasks.push(task)
    await before(task)
    return digestPieces(task)
  }
  return { tasks, options: { cache: new DigestCache(join(folder, '.piecemeal')), digestPieces: digest } }
}

function fileIn (folder: string, filename = 'file'): { filename: string, path: string } {
  return { filename, path: join(folder, filename) }
}

await t.test('a file becomes a share with its digest', async (t) => {
  for (const size of [0, 1, 5, MiB, MiB + 1, 3 * MiB]) {
    const data = Buffer.alloc(size, 'piecemeal.')
    const folder = t.testdir({ file: data })
    const { filename, path, identity, ...content } = await shareFile(fileIn(folder), setUp(folder).options)
    t.strictSame({ filename, path }, fileIn(folder))
    t.equal(identity.size, BigInt(size))
    t.strictSame(content, contentOf(data))
  }
})

await t.test('large files are digested in runs, and the progress is told', async (t) => {
  const size = 150 * MiB + 5
  const folder = t.testdir({})
  execFileSync('truncate', ['-s', String(size), join(folder, 'file')])
  const tasks: DigestTask[] = []
  const told: Array<[number, number]> = []
  const share = await shareFile(fileIn(folder), {
    ...setUp(folder).options,
    digestPieces: async (task) => {
      tasks.push(task)
      return await Promise.resolve(Buffer.alloc(32 * (task.endPiece - task.firstPiece)))
    },
    onProgress: (bytes, all) => told.push([bytes, all]),
  })
  t.equal(share.pieces.length, 151 * 32)
  t.strictSame(tasks.map(({ firstPiece, endPiece }) => [firstPiece, endPiece]), [[0, 64], [64, 128], [128, 151]])
  t.strictSame(told.map(([, all]) => all), told.map(() => size))
  t.equal(told.at(-1)?.[0], size, 'up to all of it, and no further')
  t.strictSame([...told].sort(([a], [b]) => a - b), told)
})

await t.test('the same file again is not digested again, a changed one is', async (t) => {
  const data = Buffer.alloc(MiB + 1, 'abc')
  const folder = t.testdir({ file: data })
  const { tasks, options } = setUp(folder)
  const first = await shareFile(fileIn(folder), options)
  t.strictSame(await shareFile(fileIn(folder), options), first)
  t.equal(tasks.length, 1)
  await appendFile(join(folder, 'file'), 'd')
  t.equal((await shareFile(fileIn(folder), options)).digest, contentOf(Buffer.concat([data, Buffer.from('d')])).digest)
  t.equal(tasks.length, 2)
})

await t.test('a cache that can\'t be written is no reason to fail', async (t) => {
  const folder = t.testdir({ file: 'abc', '.piecemeal': 'a file where the folder should be' })
  t.equal((await shareFile(fileIn(folder), setUp(folder).options)).digest, contentOf(Buffer.from('abc')).digest)
})

await t.test('a file that is written to while it is digested', async (t) => {
  for (const change of [
    async (path: string) => await appendFile(path, 'd'),
    async (path: string) => await writeFile(path, 'ABC'),
    async (path: string) => await writeFile(path, 'a'),
  ]) {
    const folder = t.testdir({ file: 'abc' })
    const { options } = setUp(folder, async () => {
      await untilFileClockMoves(folder)
      await change(join(folder, 'file'))
    })
    await t.rejects(shareFile(fileIn(folder), options), { code: 'E_CHANGED' })
    const again = setUp(folder)
    await shareFile(fileIn(folder), again.options)
    t.equal(again.tasks.length, 1, 'and nothing of it is remembered')
  }
})

await t.test('what the digest fails with', async (t) => {
  const folder = t.testdir({ file: 'abc' })
  const { options } = setUp(folder, () => { throw new Error('thread died') })
  await t.rejects(shareFile(fileIn(folder), options), { message: 'thread died' })
})

await t.test('stopped', async (t) => {
  const folder = t.testdir({ file: 'abc' })
  const { tasks, options } = setUp(folder)
  await t.rejects(shareFile(fileIn(folder), { ...options, signal: AbortSignal.abort() }), { code: 'E_INTERRUPTED' })
  t.equal(tasks.length, 0)
})

await t.test('what can\'t be shared', async (t) => {
  const folder = t.testdir({ file: 'abc' })
  symlinkSync('file', join(folder, 'link'))
  mkdirSync(join(folder, 'folder'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const { tasks, options } = setUp(folder)
  for (const name of ['link', 'folder', 'pipe']) await t.rejects(shareFile(fileIn(folder, name), options), { code: 'E_FORBIDDEN' }, name)
  await t.rejects(shareFile(fileIn(folder, 'nowhere'), options), { code: 'E_IO' })
  t.equal(tasks.length, 0)
})
