import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { FolderLock } from '../../lib/disk/folder-lock.js'
import { replace } from '../helpers/replace.js'

const locks = createRequire(import.meta.url)('fs-native-extensions') as { tryLock: (fd: number) => boolean }

async function take (folder: string): Promise<FolderLock> {
  return await FolderLock.take(join(folder, '.piecemeal'), folder)
}

await t.test('the folder is made if it is not there', async (t) => {
  const folder = join(t.testdir({}), 'node_files', 'NodeA')
  const lock = await take(folder)
  t.ok(existsSync(folder))
  t.strictSame(readdirSync(folder), ['.piecemeal'], 'with nothing in it but what is hidden')
  await lock.release()
})

await t.test('one at a time', async (t) => {
  const folder = t.testdir({})
  const lock = await take(folder)
  await t.rejects(take(folder), { code: 'E_NAME_TAKEN', message: new RegExp(`another.*"${folder}"`) })
  symlinkSync(folder, `${folder}-link`)
  t.teardown(() => execFileSync('rm', [`${folder}-link`]))
  await t.rejects(take(`${folder}-link`), { code: 'E_NAME_TAKEN' }, 'under whatever name')
  const other = await take(t.testdir({ other: {} }) + '/other')
  await other.release()
  await lock.release()
  const again = await take(folder)
  await again.release()
})

await t.test('where there can be no folder', async (t) => {
  const folder = t.testdir({ file: '', node: { '.piecemeal': 'a file' } })
  await t.rejects(take(join(folder, 'file')), { code: 'ENOTDIR' })
  await t.rejects(take(join(folder, 'file', 'NodeA')), { code: 'ENOTDIR' })
  await t.rejects(take(join(folder, 'node')), { code: 'EEXIST' })
})

await t.test('a process that is killed leaves no lock behind', async (t) => {
  const folder = t.testdir({ '.piecemeal': {} })
  const script = `
    import { openSync, writeSync } from 'node:fs'
    import { tryLock } from 'fs-native-extensions'
    writeSync(1, String(tryLock(openSync(process.argv[1], 'a+'))))
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(folder, '.piecemeal', 'lock')], {
    cwd: dirname(fileURLToPath(import.meta.url)), env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [locked] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) }) as [Buffer]
  t.equal(locked.toString(), 'true')
  await t.rejects(take(folder), { code: 'E_NAME_TAKEN' })
  child.kill('SIGKILL')
  await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  const lock = await take(folder)
  await lock.release()
})

/** On a file system without locks. */
async function takeWithout (t: Test, folder: string, code: string): Promise<FolderLock> {
  const restore = replace(t, locks, () => ({ tryLock: () => { throw Object.assign(new Error(code), { code }) } }))
  return await take(folder).finally(restore)
}

await t.test('without locks a file says who is at work, and the user is told', async (t) => {
  // Of the second not even the name is known to Node.
  for (const code of ['ENOSYS', 'Unknown system error -37']) {
    const folder = t.testdir({})
    const lock = await takeWithout(t, folder, code)
    t.match(lock.warning, `"${folder}" has no locks`)
    await t.rejects(takeWithout(t, folder, code), { code: 'E_NAME_TAKEN', message: new RegExp(`process ${process.pid} on .*remove ".*holder.json"`) })
    await lock.release()
    t.strictSame(readdirSync(join(folder, '.piecemeal')), ['lock'])
    await (await takeWithout(t, folder, code)).release()
  }
})

await t.test('without locks: who is taken to be at work', async (t) => {
  const folder = t.testdir({ '.piecemeal': {} })
  const path = join(folder, '.piecemeal', 'holder.json')
  const first = await takeWithout(t, folder, 'ENOSYS')
  const me = JSON.parse(readFileSync(path, 'utf8')) as { host: string, pid: number, started: string }
  t.equal(me.host, hostname())
  await first.release()
  const table: Array<[what: string, holder: string, isTaken: boolean]> = [
    ['this process', JSON.stringify(me), true],
    ['one on another machine', JSON.stringify({ ...me, host: 'elsewhere' }), true],
    ['one that has ended', JSON.stringify({ ...me, pid: 4_194_305 }), false],
    ['one whose id another process has by now', JSON.stringify({ ...me, started: '1' }), false],
    ['a file that was never written to its end', '{"host":', false],
  ]
  for (const [what, holder, isTaken] of table) {
    writeFileSync(path, holder)
    if (isTaken) await t.rejects(takeWithout(t, folder, 'ENOSYS'), { code: 'E_NAME_TAKEN' }, what)
    else await (await takeWithout(t, folder, 'ENOSYS')).release()
  }
})
