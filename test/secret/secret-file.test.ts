import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { deriveKeys } from '../../lib/secret/keys.js'
import { readSecret, whyNotPrivate, writeNewSecret } from '../../lib/secret/secret-file.js'
import { tempDir } from '../helpers/files.js'

const TEXT = '0123456789abcdef'

await t.test('what is in the file is the secret, but for a newline at its end', async (t) => {
  const path = join(await tempDir(t), 'secret')
  const keysOf = async (content: string | Uint8Array): Promise<unknown> => {
    await writeFile(path, content, { mode: 0o600 })
    return (await readSecret(path)).current
  }
  for (const content of [TEXT, `${TEXT}\n`, `${TEXT}\r\n`]) t.strictSame(await keysOf(content), deriveKeys(Buffer.from(TEXT)), JSON.stringify(content))
  for (const content of [`${TEXT}\n\n`, ` ${TEXT}`, `${TEXT} `, `${TEXT}\r`]) t.notSame(await keysOf(content), deriveKeys(Buffer.from(TEXT)), JSON.stringify(content))
  t.ok(await keysOf('x'.repeat(4_096) + '\r\n'))
  t.ok(await keysOf(Buffer.alloc(16, 0xff)), 'it need not be text')
})

await t.test('one before it', async (t) => {
  const dir = await tempDir(t)
  await writeFile(join(dir, 'new'), TEXT, { mode: 0o600 })
  await writeFile(join(dir, 'old'), 'fedcba9876543210', { mode: 0o400 })
  t.strictSame(await readSecret(join(dir, 'new'), join(dir, 'old')), { current: deriveKeys(Buffer.from(TEXT)), old: deriveKeys(Buffer.from('fedcba9876543210')) })
  await t.rejects(readSecret(join(dir, 'new'), join(dir, 'none')), { code: 'E_AUTH', message: /none": ENOENT/ })
})

await t.test('a file that is no good is refused, and what is in it is not told', async (t) => {
  const dir = await tempDir(t)
  const file = async (name: string, content = TEXT): Promise<string> => {
    await writeFile(join(dir, name), content, { mode: 0o600 })
    return join(dir, name)
  }
  const refuses = async (path: string, message: RegExp): Promise<void> => {
    const error = await readSecret(path).then(() => undefined, (error: Error) => error)
    t.match(error, { code: 'E_AUTH', exitStatus: 22, message }, path)
    t.notOk(error?.message.includes(TEXT))
  }
  await refuses(join(dir, 'none'), /none": ENOENT/)
  await refuses(await file('empty', ''), /empty" holds fewer than 16 bytes/)
  await refuses(await file('short', `${TEXT.slice(1)}\n`), /fewer than 16/)
  await refuses(await file('long', 'x'.repeat(4_097)), /more than 4096/)
  await mkdir(join(dir, 'folder'), { mode: 0o700 })
  await refuses(join(dir, 'folder'), /no regular file/)
  execFileSync('mkfifo', ['-m', '600', join(dir, 'pipe')])
  await refuses(join(dir, 'pipe'), /no regular file/)
  for (const mode of [0o660, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o666]) {
    const path = await file(`mode-${mode.toString(8)}`)
    await chmod(path, mode)
    await refuses(path, new RegExp(`open to others \\(mode ${mode.toString(8)}\\): chmod 600`))
  }
  // What counts is the file, not the link to it.
  await symlink(join(dir, 'mode-644'), join(dir, 'link'))
  await refuses(join(dir, 'link'), /mode 644/)
})

await t.test('who may read a file beside its owner', async (t) => {
  const [US, GROUP, OTHER] = [1_000, 2_000, 3_000]
  const reader = { path: '/run/credentials/piecemeal/secret', uid: US, gids: [US, GROUP], credentialsFolder: undefined }
  const credentialsFolder = '/run/credentials/piecemeal/'
  const table: Array<[mode: number, uid: number, gid: number, folder: string | undefined, isPrivate: boolean]> = [
    [0o600, US, US, undefined, true], [0o400, US, OTHER, undefined, true], [0o600, 0, 0, undefined, true],
    // The group's read bit: root's file, and a group of this process.
    [0o440, 0, GROUP, undefined, true], [0o640, 0, US, undefined, true], [0o440, 0, OTHER, undefined, false], [0o440, 0, 0, undefined, false],
    [0o640, US, GROUP, undefined, false], [0o640, US, US, undefined, false],
    // What a service manager made for this service.
    [0o440, 0, 0, credentialsFolder, true], [0o440, US, OTHER, credentialsFolder, true], [0o440, 0, 0, '/run/credentials', false], [0o440, 0, 0, 'run/credentials/piecemeal', false], [0o440, 0, 0, '', false],
    // Never more than to read, and never by others.
    [0o460, 0, GROUP, undefined, false], [0o450, 0, GROUP, undefined, false], [0o444, 0, GROUP, undefined, false], [0o444, 0, 0, credentialsFolder, false], [0o604, US, US, undefined, false], [0o601, US, US, credentialsFolder, false],
    [0o400, OTHER, US, undefined, false], [0o440, OTHER, GROUP, credentialsFolder, false],
  ]
  for (const [mode, uid, gid, folder, isPrivate] of table) {
    t.equal(whyNotPrivate({ mode: 0o100_000 | mode, uid, gid }, { ...reader, credentialsFolder: folder }) === undefined, isPrivate, `${mode.toString(8)} of ${uid}:${gid}, ${folder}`)
  }
  t.match(whyNotPrivate({ mode: 0o100_644, uid: US, gid: US }, reader), /mode 644/)
  t.match(whyNotPrivate({ mode: 0o100_600, uid: OTHER, gid: US }, reader), /another user/)
})

await t.test('a file of somebody else', { skip: process.getuid?.() === 0 ? false : 'only root can give files away' }, async (t) => {
  const path = join(await tempDir(t), 'secret')
  await writeFile(path, TEXT, { mode: 0o600 })
  await chown(path, 65_534, 65_534)
  await t.rejects(readSecret(path), { code: 'E_AUTH', message: /another user/ })
})

await t.test('a new secret', async (t) => {
  const dir = await tempDir(t)
  const [path, other] = [join(dir, 'secret'), join(dir, 'other')]
  await writeNewSecret(path)
  const text = await readFile(path, 'utf8')
  t.match(text, /^[A-Za-z0-9_-]{43}\n$/, '32 bytes as text')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.strictSame((await readSecret(path)).current, deriveKeys(Buffer.from(text.trimEnd())))
  await writeNewSecret(other)
  t.not(await readFile(other, 'utf8'), text)

  await t.rejects(writeNewSecret(path), { code: 'E_EXISTS', message: /secret"/ })
  t.equal(await readFile(path, 'utf8'), text, 'it never replaces one')
  await symlink(join(dir, 'nowhere'), join(dir, 'link'))
  await t.rejects(writeNewSecret(join(dir, 'link')), { code: 'E_EXISTS' })
  await t.rejects(writeNewSecret(join(dir, 'none', 'secret')), { code: 'E_IO', message: /ENOENT/ })
})
