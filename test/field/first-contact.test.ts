/** A newcomer's two machines: `share` on one, its line on the other, on networks as they are found; and a tracker that is found without a word. */
import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Command, ROOT } from '../helpers/command.js'
import { PIECEMEAL_BIN, ticketOf } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { lineOf, twoMachines, type Machine } from './namespaces.js'

t.setTimeout(240_000)
const [one, two] = twoMachines(t)
const dir = await tempDir(t)
const bytes = pseudoRandomBytes(3_000_000, 1)
const file = join(dir, 'big.iso')
writeFileSync(file, bytes)
const secret = join(dir, 'secret')
writeFileSync(secret, randomBytes(32).toString('base64url'), { mode: 0o600 })

/** Says that it is a tracker: with a secret that is none, and without one. */
const STRANGER = `
const { createRequire } = await import('node:module')
const require = createRequire(process.argv[1] + '/package.json')
const { randomBytes } = require('node:crypto')
const { recordsOf } = await import(process.argv[1] + '/dist/lib/discovery/records.js')
const mdns = require('multicast-dns')({ interface: '10.78.0.2', bind: '0.0.0.0' })
const hex = () => randomBytes(8).toString('hex')
let count = 0
const say = () => {
  for (let i = 0; i < 100; i++, count++) mdns.respond({ answers: recordsOf({ instance: 'x' + count, net: hex(), ...(count % 2 && { id: hex() }), port: 1 + count }, ['10.78.0.' + (3 + count % 200)]) })
  if (count < 10_000) setTimeout(say, 20)
}
mdns.on('ready', () => { say(); console.log('said') })
`

function piecemeal (machine: Machine, ...args: string[]): Command {
  const home = join(dir, machine.name)
  return machine.run('env', `HOME=${home}`, `XDG_CACHE_HOME=${home}`, `XDG_CONFIG_HOME=${home}`, `XDG_DATA_HOME=${home}`, `PIECEMEAL_SOCKET=${join(dir, `${machine.name}.sock`)}`, PIECEMEAL_BIN, ...args)
}

/** What stops a packet, what an address is, on the machine of that name. */
function set (machine: Machine, ...words: string[]): void {
  execFileSync('ip', ['netns', 'exec', machine.name, ...words], { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function tryBoth (t: Test, from: Machine, to: Machine): Promise<void> {
  const share = piecemeal(from, 'share', file, '--once')
  const get = piecemeal(to, 'get', await ticketOf(share), '--to', join(dir, `${to.name}-${t.name.replace(/\W+/g, '-')}`))
  t.match(await get.exit(), { status: 0 }, get.stderr)
  t.ok(readFileSync(get.stdout.trim()).equals(bytes))
  t.match(await share.exit(), { status: 0 }, share.stderr)
}

const tracker = one.tracker('--host', '::', '--secret-file', secret)
await lineOf(tracker, 'tracker listening')

await t.test('nothing is configured', async (t) => await tryBoth(t, one, two))

await t.test('a tracker is found, whatever a stranger says ten thousand times', async (t) => {
  const stranger = two.run(process.execPath, '--input-type=module', '-e', STRANGER, ROOT)
  await lineOf(stranger, 'said')
  const list = piecemeal(two, 'list', '--secret-file', secret)
  t.match(await list.exit(), { status: 0 }, list.stderr)
  const other = piecemeal(two, 'list')
  t.not((await other.exit()).status, 0)
  t.match(other.stderr, /E_TRACKER|E_USAGE/)
  stranger.kill('SIGKILL')
  await stranger.exit()
})

await t.test('multicast is blocked', async (t) => {
  for (const machine of [one, two]) set(machine, 'iptables', '-A', 'INPUT', '-d', '224.0.0.0/4', '-j', 'DROP')
  for (const machine of [one, two]) set(machine, 'ip6tables', '-A', 'INPUT', '-d', 'ff00::/8', '-p', 'udp', '-j', 'DROP')
  await tryBoth(t, two, one)
  const list = piecemeal(two, 'list', '--secret-file', secret)
  t.match(await list.exit(), { status: 35 })
  t.match(list.stderr, /no tracker found here in 2 s \(multicast does not cross VLANs/)
})

await t.test('a tracker whose name is not known yet', async (t) => {
  const hosts = `/etc/netns/${two.name}/hosts`
  const before = readFileSync(hosts, 'utf8')
  const node = two.node('-n', 'Late', '-d', dir, '-t', 'late.test', '--secret-file', secret)
  await node.waitFor(/late\.test/)
  appendFileSync(hosts, '10.78.0.1 late.test\n')
  t.ok(await node.waitFor(/^tracker late\.test:12340 connected/m, { ms: 60_000 }))
  node.kill('SIGKILL')
  writeFileSync(hosts, before)
})

await t.test('the host\'s name leads elsewhere', async (t) => {
  const name = execFileSync('hostname', { encoding: 'utf8' }).trim()
  for (const machine of [one, two]) appendFileSync(`/etc/netns/${machine.name}/hosts`, `127.0.1.1 ${name}\n192.0.2.1 ${name}\n`)
  await tryBoth(t, one, two)
})

await t.test('both have a bridge of containers with the same address', async (t) => {
  for (const machine of [one, two]) {
    set(machine, 'ip', 'link', 'add', 'docker0', 'type', 'bridge')
    set(machine, 'ip', 'addr', 'add', '172.17.0.1/16', 'dev', 'docker0')
    set(machine, 'ip', 'link', 'set', 'docker0', 'up')
  }
  await tryBoth(t, one, two)
})

await t.test('who gets is behind another address', async (t) => {
  set(two, 'ip', 'addr', 'add', '192.168.9.9/32', 'dev', 'lo')
  // Its packets leave as another's, and nobody can connect to it.
  set(two, 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'wire', '-j', 'MASQUERADE')
  for (const tables of ['iptables', 'ip6tables']) {
    set(two, tables, '-A', 'INPUT', '-i', 'wire', '-m', 'conntrack', '--ctstate', 'NEW', '-p', 'tcp', '-j', 'DROP')
  }
  await tryBoth(t, one, two)
  for (const tables of ['iptables', 'ip6tables']) set(two, tables, '-F', 'INPUT')
})

await t.test('there is IPv6 alone', async (t) => {
  for (const machine of [one, two]) set(machine, 'ip', '-4', 'addr', 'flush', 'dev', 'wire')
  await tryBoth(t, one, two)
})
