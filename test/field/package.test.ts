/** What is installed: by npm in a prefix of its own, and by dpkg in a root of its own. Neither has anything of the checkout. */
import { execFile, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Command, ROOT } from '../helpers/command.js'
import { ticketOf } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'

const exec = promisify(execFile)
const INSTALL = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
/** What it takes to carry it; see the README of this folder. */
const MOST_BYTES = 222 * 1024
const NATIVE = '@napi-rs'

t.setTimeout(240_000)
const dir = await tempDir(t)
const env = { ...process.env, NODE_OPTIONS: '', HOME: dir }

function run (file: string, ...args: string[]): Command {
  return new Command(t, 'env', [`HOME=${dir}`, `XDG_CACHE_HOME=${join(dir, 'cache')}`, file, ...args], { cwd: dir })
}

async function endOf (command: Command): Promise<{ status: number | null, text: string }> {
  const { status } = await command.exit()
  return { status, text: command.stdout + command.stderr }
}

await t.test('the package: what is in it, and how much', async (t) => {
  const { stdout } = await exec('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: ROOT, env })
  const [{ size, filename, files }] = JSON.parse(stdout) as [{ size: number, filename: string, files: Array<{ path: string }> }]
  t.ok(size < MOST_BYTES, `${size} bytes`)
  t.strictSame(files.map(({ path }) => path).filter((path) => !/^(?:bin|bundle)\/|^(?:LICENSE|README\.md|package\.json)$/.test(path)), [])
  await exec('npm', ['install', '--global', ...INSTALL, '--prefix', join(dir, 'npm'), join(dir, filename)], { env })
})

await t.test('the Debian package is installed with units, man page and completion', async (t) => {
  await exec(join(ROOT, 'fixtures/deploy/debian/build'), [dir], { env })
  const root = join(dir, 'root')
  mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true })
  for (const file of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', file), '')
  await dpkg('--install', join(dir, readdirSync(dir).find((name) => name.endsWith('.deb')) ?? ''))
  for (const path of ['lib/systemd/system/piecemeal.service', 'lib/systemd/system/piecemeal-tracker.service', 'usr/share/man/man1/piecemeal.1.gz', 'usr/share/bash-completion/completions/piecemeal']) t.ok(statSync(join(root, path)).size > 0, path)
  t.match(await endOf(run(join(root, 'usr/bin/piecemeal-tracker'), '--version')), { status: 0, text: /^\d/ })
})

await t.test('what one shares the other gets', async (t) => {
  const bytes = pseudoRandomBytes(3_000_000, 1)
  writeFileSync(join(dir, 'f'), bytes)
  const share = run(join(dir, 'npm/bin/piecemeal'), 'share', 'f', '--once')
  const get = run(join(dir, 'root/usr/bin/piecemeal'), 'get', await ticketOf(share), '--to', join(dir, 'g'))
  t.match(await endOf(get), { status: 0, text: join(dir, 'g') })
  t.ok(readFileSync(join(dir, 'g')).equals(bytes))
  t.match(await share.exit(), { status: 0 })
})

await t.test('the page is there, with all that it loads', async (t) => {
  const tracker = run(join(dir, 'npm/bin/piecemeal-tracker'), '-p', '0', '--http', '0')
  const [url] = await tracker.waitFor(/http:\/\/127\.0\.0\.1:\d+/)
  const assets = new Set(['/'])
  for (const path of assets) {
    const response = await fetch(new URL(path, url))
    t.equal(response.status, 200, path)
    for (const [, asset = ''] of (await response.text()).matchAll(/["'`](?:\.\/|\/assets\/)([\w-]+\.(?:js|css|svg))["'`]/g)) assets.add(`/assets/${asset}`)
  }
  t.ok(assets.size > 15, `${assets.size}`)
  tracker.signal('SIGTERM')
  t.match(await tracker.exit(), { status: 0 })
})

await t.test('a package that is replaced under a running node ends it for its service to start it again', async (t) => {
  const folder = join(dir, 'npm/lib/node_modules/piecemeal')
  const node = run(join(dir, 'npm/bin/piecemeal-node'), '-n', 'N', '-d', join(dir, 'files'), '--remember', '--log', 'json')
  await node.waitFor(/"event":"listening"/)
  renameSync(folder, `${folder}.old`)
  cpSync(`${folder}.old`, folder, { recursive: true, verbatimSymlinks: true })
  t.match(await endOf(node), { status: 75, text: /"level":"error","message":"piecemeal was replaced on disk, restart it"/ })
})

await t.test('help, version and the doctor need no native part; what does says in one line what is missing', async (t) => {
  const bin = join(dir, 'npm/bin')
  rmSync(join(dir, 'npm/lib/node_modules/piecemeal/node_modules', NATIVE), { recursive: true })
  for (const word of ['--help', '--version']) t.match(await endOf(run(join(bin, 'piecemeal'), word)), { status: 0 }, word)
  t.match((await endOf(run(join(bin, 'piecemeal'), 'doctor'))).text, /@napi-rs\/blake-hash/)
  const { status, text } = await endOf(run(join(bin, 'piecemeal'), 'get', 'x'))
  t.equal(status, 2)
  t.match(text, /^piecemeal needs @napi-rs\/blake-hash.*\n$/)
})

await t.test('without the package of locks and exchanges there is another way', async (t) => {
  // As where it has no build: its folder is there for the other install alone.
  const folder = join(dir, 'root/usr/lib/piecemeal/node_modules/fs-native-extensions')
  rmSync(folder, { recursive: true })
  const node = run(join(dir, 'root/usr/bin/piecemeal-node'), '-n', 'M', '-d', join(dir, 'files'))
  await node.waitFor(/^M listening/m)
  node.endInput()
  t.match(await node.exit(), { status: 0 })
})

await t.test('removed, nothing of it stays', async (t) => {
  await dpkg('--purge', 'piecemeal')
  t.notOk(existsSync(join(dir, 'root/usr/lib/piecemeal')))
  t.notOk(existsSync(join(dir, 'root/usr/bin/piecemeal')))
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
if (!hasSystemd) console.error('# SKIPPED: there is no systemd-analyze on this machine, so nobody looked at the units')
await t.test('the units are right, and shut in', { skip: hasSystemd ? false : 'no systemd-analyze' }, async (t) => {
  const units = ['piecemeal.service', 'piecemeal-tracker.service'].map((name) => join(ROOT, 'fixtures/deploy/systemd', name))
  for (const unit of units) {
    const { stdout } = await exec('systemd-analyze', ['security', '--offline=true', unit])
    const [, level] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
    t.ok(Number(level) < 2, `${unit}: ${level}`)
    // Of what it says only that the command is not installed here is no fault.
    const { stderr } = await exec('systemd-analyze', ['verify', '--man=no', unit]).catch((error: unknown) => error as { stderr: string })
    t.strictSame(stderr.split('\n').filter((line) => line.includes('piecemeal') && !line.includes('is not executable')), [])
  }
})

async function dpkg (...args: string[]): Promise<void> {
  // Its recommendation is none of its dependencies.
  await exec('dpkg', [`--root=${join(dir, 'root')}`, '--log=/dev/null', ...args])
}
