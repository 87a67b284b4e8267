import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { FolderLock } from '../../lib/disk/folder-lock.js'

await t.test('the folder is made if it is not there', async (t) => {
  const folder = join(t.testdir({}), 'node_files', 'NodeA')
  const lock = await FolderLock.take(folder)
  t.ok(existsSync(folder))
  t.strictSame(readdirSync(folder), ['.piecemeal'], 'with nothing in it but what is hidden')
  await lock.release()
})

await t.test('one at a time', async (t) => {
  const folder = t.testdir({})
  const lock = await FolderLock.take(folder)
  await t.rejects(FolderLock.take(folder), { code: 'E_NAME_TAKEN', message: new RegExp(`another.*"${folder}"`) })
  symlinkSync(folder, `${folder}-link`)
  t.teardown(() => execFileSync('rm', [`${folder}-link`]))
  await t.rejects(FolderLock.take(`${folder}-link`), { code: 'E_NAME_TAKEN' }, 'under whatever name')
  const other = await FolderLock.take(t.testdir({ other: {} }) + '/other')
  await other.release()
  await lock.release()
  const again = await FolderLock.take(folder)
  await again.release()
})

await t.test('where there can be no folder', async (t) => {
  const folder = t.testdir({ file: '', node: { '.piecemeal': 'a file' } })
  await t.rejects(FolderLock.take(join(folder, 'file')), { code: 'E_IO', message: /file"/ })
  await t.rejects(FolderLock.take(join(folder, 'file', 'NodeA')), { code: 'E_IO' })
  await t.rejects(FolderLock.take(join(folder, 'node')), { code: 'E_IO' })
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
  await t.rejects(FolderLock.take(folder), { code: 'E_NAME_TAKEN' })
  child.kill('SIGKILL')
  await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  const lock = await FolderLock.take(folder)
  await lock.release()
})
