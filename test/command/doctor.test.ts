/** Set-ups that are broken on purpose, of those that take no root; the doctor names what is wrong. */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { doctor } from '../../lib/command/doctor.js'
import { readSecret, writeNewSecret } from '../../lib/secret/secret-file.js'
import { settingsFor, type Environment } from '../../lib/command/settings.js'
import { tempDir } from '../helpers/files.js'
import { trackerHere } from '../helpers/tracker.js'

// All in one: the root of all tests ends once nothing runs and something is to be removed at its end.
await t.test('what is wrong', async (t) => {
  const dir = await tempDir(t)
  const secretFile = join(dir, 'secret')
  const otherFile = join(dir, 'other')
  for (const file of [secretFile, otherFile]) await writeNewSecret(file)

  /** What is not good, as `what: says`. */
  async function bad (argv: string[], environment: Environment = {}): Promise<string[]> {
    const lines: string[] = []
    const settings = settingsFor('doctor', ['--no-discovery', ...(argv.includes('--folder') ? [] : ['--folder', dir]), ...argv], { environment, files: [] }, true)
    const status = await doctor(settings, { out: (line) => { lines.push(line) }, err: () => {} })
    const found = lines.filter((line) => !line.startsWith('ok  '))
    t.equal(status, found.some((line) => line.startsWith('BAD ')) ? 1 : 0)
    // What is so on the machine of the test is not what is tried.
    return found.map((line) => line.slice(4)).filter((line) => !/^(?:container|multicast|addresses|room|threads|file descriptors): /.test(line))
  }

  async function finds (t: Test, what: RegExp, argv: string[], environment?: Environment): Promise<void> {
    const [first = '', ...others] = await bad(argv, environment)
    t.match(first, what)
    t.strictSame(others, [], 'and nothing else')
  }

  await t.test('the tracker', async (t) => {
    const tracker = await trackerHere(t, { secret: await readSecret(secretFile) })
    const at = ['--tracker', `127.0.0.1:${tracker.port}`]
    t.strictSame(await bad([...at, '--secret-file', secretFile]), [])
    await finds(t, /^tracker: E_AUTH .*another secret/, [...at, '--secret-file', otherFile])
    await finds(t, /^tracker: E_AUTH .*secret/, at)
    await finds(t, /^tracker: E_TRACKER nobody answers at 127\.0\.0\.1:1 \(ECONNREFUSED\)/, ['--tracker', '127.0.0.1:1', '--secret-file', secretFile])
  })

  await t.test('the secret, once', async (t) => {
    await finds(t, /^secret: E_AUTH .*it is not there; copy it/, ['--tracker', '127.0.0.1:1', '--secret-file', join(dir, 'none')])
    chmodSync(otherFile, 0o644)
    await finds(t, /^secret: E_AUTH .*chmod 600/, ['--tracker', '127.0.0.1:1', '--secret-file', otherFile])
  })

  await t.test('the folder', async (t) => {
    const at = ['--tracker', '127.0.0.1:1', '--secret-file', join(dir, 'none')]
    t.match((await bad([...at, '--folder', join(dir, 'none')]))[0], /^folder: .* is not there: make it/)
    mkdirSync(join(dir, 'shut'), { mode: 0o555 })
    if (process.getuid?.() !== 0) t.match((await bad([...at, '--folder', join(dir, 'shut')]))[0], /^folder: .* may not be written to by this user/)
  })

  await t.test('settings of all commands', async (t) => {
    t.match(await bad(['--secret-file', join(dir, 'none')], { PIECEMEAL_UP: 'junk', PIECEMEAL_TRACKER: 'tcp://10.0.0.1:1' }), [/^secret/, /^settings: PIECEMEAL_TRACKER|^settings: the variable PIECEMEAL_TRACKER is a service link/, /^settings: PIECEMEAL_UP: "junk" is no rate/])
  })
})
