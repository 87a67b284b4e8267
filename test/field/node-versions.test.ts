/** What is installed, under the oldest Node that it says it runs with and the two after it, as npm has them as packages. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Command, ROOT } from '../helpers/command.js'
import { ticketOf } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'

const exec = promisify(execFile)
const INSTALL = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
const VERSIONS = ['20.17.0', '22', '24']
const SIZE = 5_000_000

t.setTimeout(300_000)
const dir = await tempDir(t)
const env = { ...process.env, NODE_OPTIONS: '', HOME: process.env.HOME ?? dir }
const { stdout } = await exec('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: ROOT, env })
const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
await exec('npm', ['install', '--global', ...INSTALL, '--prefix', join(dir, 'npm'), join(dir, filename)], { env })

const found = (await Promise.all(VERSIONS.map(async (version) => {
  const node = await nodeOf(version)
  if (node === undefined) console.error(`# SKIPPED: npm has no Node ${version} for ${process.platform} ${process.arch} here, so nobody tried piecemeal with it`)
  return node === undefined ? [] : [{ version, node }]
}))).flat()
writeFileSync(join(dir, 'f'), pseudoRandomBytes(SIZE, 1))

// In a ring, so that each shares with one of another version and gets from one.
for (const [i, { version, node }] of found.entries()) {
  const next = found[(i + 1) % found.length] ?? { version, node }
  await t.test(`Node ${version} shares, Node ${next.version} gets`, async (t) => {
    const { stdout: says } = await exec(node, ['--version'])
    t.ok(says.startsWith(`v${version}`), says)
    const share = piecemeal(node, 'share', 'f', '--once')
    const to = join(dir, `of-${version}`)
    const get = piecemeal(next.node, 'get', await ticketOf(share), '--to', to)
    t.match(await get.exit(), { status: 0 }, get.stderr)
    t.equal(get.stdout, `${to}\n`)
    t.equal(digestOf(to), digestOf(join(dir, 'f')))
    t.match(await share.exit(), { status: 0 }, share.stderr)
    const doctor = piecemeal(node, 'doctor')
    await doctor.exit()
    t.match(doctor.stdout, new RegExp(`^ok {2}node: ${version.replaceAll('.', '\\.')}`, 'm'))
    t.match(doctor.stdout, /^ok {2}native part: @napi-rs\/blake-hash$/m)
    t.match(doctor.stdout, /^ok {2}native part: fs-native-extensions$/m)
  })
}
await t.test('there were some to try', { skip: found.length === 0 ? 'npm has none' : false }, async (t) => t.ok(found.length > 0))

function piecemeal (node: string, ...args: string[]): Command {
  return new Command(t, 'env', [`HOME=${dir}`, `XDG_CACHE_HOME=${join(dir, 'cache')}`, node, join(dir, 'npm/lib/node_modules/piecemeal/bin/piecemeal'), ...args], { cwd: dir })
}

/** Its program alone, from the package that the package `node` installs by a script. */
async function nodeOf (version: string): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`
  const prefix = join(dir, `node-${version}`)
  return await exec('npm', ['install', ...INSTALL, '--prefix', prefix, `${name}@${version}`], { env, cwd: dir }).then(() => join(prefix, 'node_modules', name, 'bin/node'), () => undefined)
}

function digestOf (path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
