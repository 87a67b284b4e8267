import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { appendFile, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t from 'tap'
import { identify, isSameFile, openOwnFile } from '../../lib/disk/own-file.js'
import { tempDir } from '../helpers/files.js'
import { untilFileClockMoves } from './file-clock.js'

const NOBODY = 65_534

await t.test('a regular file, byte for byte as it is named', async (t) => {
  for (const name of ['plain', ' a b ', '-rf', '.hidden', '__proto__', '#%&?"\'', 'e\u0301', '\u00e9', '日本語😀', 'x'.repeat(255)]) {
    const folder = t.testdir({ [name]: name })
    const { handle, identity } = await openOwnFile(join(folder, name))
    t.equal(await handle.readFile('utf8'), name)
    t.equal(identity.size, BigInt(Buffer.byteLength(name)))
    await handle.close()
  }
})

await t.test('a file that is not there', async (t) => {
  const folder = t.testdir({})
  await t.rejects(openOwnFile(join(folder, 'no\u202esuch')), { code: 'E_IO', message: /"no\\u202esuch"/ })
  await t.rejects(openOwnFile(join(folder, 'nowhere', 'a')), { code: 'E_IO' })
})

await t.test('what is no regular file is refused, at once', async (t) => {
  // A socket's path must be short, and tap's folder is not.
  const folder = await tempDir(t)
  t.ok(folder.startsWith(tmpdir()))
  writeFileSync(join(folder, 'file'), 'secret')
  mkdirSync(join(folder, 'folder'))
  symlinkSync(join(folder, 'file'), join(folder, 'link'))
  symlinkSync('file', join(folder, 'relative-link'))
  symlinkSync('nowhere', join(folder, 'dangling'))
  symlinkSync('folder', join(folder, 'link-to-folder'))
  symlinkSync('/dev/zero', join(folder, 'link-to-device'))
  // Whoever opened it to read would wait for a writer.
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const server = createServer()
  server.listen(relative(process.cwd(), join(folder, 'socket')))
  await once(server, 'listening')
  t.teardown(() => server.close())
  for (const name of ['folder', 'link', 'relative-link', 'dangling', 'link-to-folder', 'link-to-device', 'fifo', 'socket']) {
    await t.rejects(openOwnFile(join(folder, name)), { code: 'E_FORBIDDEN', message: new RegExp(`"${name}"`) }, name)
  }
})

await t.test('a file that may not be read', async (t) => {
  const folder = await tempDir(t)
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'open'), 'x', { mode: 0o644 })
  writeFileSync(join(folder, 'shut'), 'x', { mode: 0o000 })
  const isRoot = process.geteuid?.() === 0
  // Nothing is forbidden to root, so it turns into somebody else for a moment.
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    const { handle } = await openOwnFile(join(folder, 'open'))
    await handle.close()
    await t.rejects(openOwnFile(join(folder, 'shut')), { code: 'E_FORBIDDEN', message: /"shut"/ })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

await t.test('a file is the same until anything about it changes', async (t) => {
  const change: Record<string, (path: string) => void | Promise<void>> = {
    'it grew': async (path) => await appendFile(path, 'x'),
    'other bytes of the same size': (path) => writeFileSync(path, 'BYTES'),
    'other bytes with the old time': async (path) => {
      const { atime, mtime } = await stat(path)
      writeFileSync(path, 'BYTES')
      utimesSync(path, atime, mtime)
    },
    'another file in its place': (path) => {
      writeFileSync(`${path}.new`, 'bytes')
      renameSync(`${path}.new`, path)
    },
  }
  for (const [what, work] of Object.entries(change)) {
    const folder = t.testdir({ file: 'bytes' })
    // A time of whole seconds can be set again exactly.
    utimesSync(join(folder, 'file'), 1_700_000_000, 1_700_000_000)
    const { handle, identity } = await openOwnFile(join(folder, 'file'))
    await untilFileClockMoves(folder)
    t.ok(isSameFile(identity, await identify(handle)), 'unchanged')
    await work(join(folder, 'file'))
    const again = await openOwnFile(join(folder, 'file'))
    t.notOk(isSameFile(identity, again.identity), what)
    await again.handle.close()
    await handle.close()
  }
})

await t.test('an open file stays readable, and itself, when its name goes', async (t) => {
  const folder = t.testdir({ file: 'bytes' })
  const { handle } = await openOwnFile(join(folder, 'file'))
  linkSync(join(folder, 'file'), join(folder, 'other'))
  await rm(join(folder, 'file'))
  t.equal(await handle.readFile('utf8'), 'bytes')
  t.equal(await readFile(join(folder, 'other'), 'utf8'), 'bytes')
  await handle.close()
})
