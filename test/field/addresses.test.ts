/** Addresses as people give them, on two machines: what one shares, both can fetch. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tempDir } from '../helpers/files.js'
import { nodeFolder } from '../helpers/piecemeal.js'
import { lineOf, twoMachines, type Machine } from './namespaces.js'

const [one, two] = twoMachines(t)
const dir = await tempDir(t)
const secret = join(dir, 'secret')
writeFileSync(secret, randomBytes(32).toString('base64url'), { mode: 0o600 })
const SECRET = ['--secret-file', secret]
const FORWARD = 'require("net").createServer((a)=>{const b=require("net").connect(+process.argv[2],process.argv[1]);a.pipe(b).pipe(a);for(const s of[a,b])s.on("error",()=>{a.destroy();b.destroy()})}).listen(+process.argv[4],process.argv[3],()=>console.log("forwarding"))'

interface Row {
  what: string
  /** Flags of the tracker, on the first machine. */
  tracker: string[]
  owner: [machine: Machine, ...flags: string[]]
  askers: Array<[machine: Machine, ...flags: string[]]>
  /** HOST, PORT, and the host and port that are forwarded there, on the first machine. */
  forwards?: string[][]
}

const T = '12340'
const ROWS: Row[] = [
  { what: 'host names', tracker: ['--host', 'host1', ...SECRET], owner: [one, '--host', 'host1', '-t', 'host1', ...SECRET], askers: [[two, '--host', 'host2', '-t', 'trk4', ...SECRET]] },
  { what: 'a name with addresses of both families', tracker: ['--host', '10.78.0.1', ...SECRET], owner: [two, '--host', 'host2', '-t', `trk:${T}`, ...SECRET], askers: [[one, '--host', 'trk4', '-t', 'trk', ...SECRET], [one, '--host', 'trk', '-t', 'trk4', ...SECRET]] },
  { what: 'a tracker that listens on both', tracker: ['--host', 'trk', ...SECRET], owner: [two, '--host', '::', '-t', `[fd78::1]:${T}`, ...SECRET], askers: [[one, '-t', `10.78.0.1:${T}`, ...SECRET], [one, '-t', 'fd78::1', ...SECRET]] },
  { what: 'localhost, which is ::1 here', tracker: ['--host', 'localhost'], owner: [one, '-t', `localhost:${T}`], askers: [[one, '-t', `127.0.0.1:${T}`], [one, '-t', `[::1]:${T}`], [one]] },
  { what: '127.0.0.1 and localhost', tracker: [], owner: [one, '--host', 'localhost', '-t', 'localhost'], askers: [[one, '-t', '127.0.0.1'], [one, '--host', '::1', '-t', 'localhost']] },
  { what: '::1, and nodes that listen on 127.0.0.1', tracker: ['--host', '::1'], owner: [one, '-t', `[::1]:${T}`], askers: [[one, '-t', '::1'], [one, '--host', '[::1]', '-t', '[::1]']] },
  { what: 'an owner on the tracker\'s own machine, by loopback', tracker: ['--host', '0.0.0.0', ...SECRET], owner: [one, '--host', '0.0.0.0', ...SECRET], askers: [[two, '--host', '10.78.0.2', '-t', '10.78.0.1', ...SECRET], [one, ...SECRET], [one, '-t', '10.78.0.1', ...SECRET]] },
  { what: 'the same by IPv6', tracker: ['--host', '::', ...SECRET], owner: [one, '--host', '::', '-t', '[::1]', ...SECRET], askers: [[two, '--host', '::', '-t', 'fd78::1', ...SECRET], [two, '-t', '10.78.0.1', ...SECRET]] },
  { what: 'a tracker behind a forward', tracker: ['--host', '10.78.0.1', ...SECRET], forwards: [['10.78.0.1', T, '127.0.0.1', '2000']], owner: [one, '--host', '10.78.0.1', '-t', '127.0.0.1:2000', ...SECRET], askers: [[two, '-t', '10.78.0.1', ...SECRET]] },
  { what: 'a node behind a forward that has other ports', tracker: ['--host', '10.78.0.1', ...SECRET], forwards: [['127.0.0.1', '3001', '10.78.0.1', '4001'], ['127.0.0.1', '3002', '10.78.0.1', '4002']], owner: [one, '-p', '3001', '3002', '--advertise', 'host1:4001:4002', '-t', '10.78.0.1', ...SECRET], askers: [[two, '-t', '10.78.0.1', ...SECRET]] },
]

for (const [i, { what, tracker: trackerFlags, owner: [ownerMachine, ...ownerFlags], askers, forwards = [] }] of ROWS.entries()) {
  await t.test(what, { timeout: 90_000 }, async (t) => {
    const [file, name] = ['a file', `Owner${i}`]
    writeFileSync(join(nodeFolder(dir, name), file), randomBytes(3_000_000))
    const commands = []
    for (const forward of forwards) {
      const running = one.run(process.execPath, '-e', FORWARD, ...forward)
      commands.push(running)
      await lineOf(running, 'forwarding')
    }
    const tracker = one.tracker(...trackerFlags)
    commands.push(tracker)
    await lineOf(tracker, 'tracker listening')
    const owner = ownerMachine.node('-n', name, '-d', dir, ...ownerFlags)
    commands.push(owner)
    await lineOf(owner, 'tracker ')
    owner.say(`torrent -m upload "${file}"`)
    await lineOf(owner, `sharing ${file} (`)
    for (const [j, [machine, ...flags]] of askers.entries()) {
      const asker = machine.node('-n', `Asker${i}.${j}`, '-d', dir, ...flags)
      asker.say(`torrent -m download "${file}"`, 'torrent exit')
      const { status } = await asker.exit()
      t.equal(status, 0, `${flags.join(' ')}: ${asker.stderr}`)
      t.match(asker.stdout, `saved ${file} (`, flags.join(' '))
    }
    t.equal(owner.stderr, '', 'nor is it told that nobody can connect')
    for (const command of commands) {
      command.kill('SIGKILL')
      await command.exit()
    }
  })
}

await t.test('a node that others are sent to and that listens on its loopback alone is told so, once', async (t) => {
  const tracker = one.tracker('--host', '0.0.0.0', ...SECRET)
  await lineOf(tracker, 'tracker listening')
  writeFileSync(join(nodeFolder(dir, 'Inside'), 'a'), 'a')
  writeFileSync(join(nodeFolder(dir, 'Inside'), 'b'), 'b')
  const node = one.node('-n', 'Inside', '-d', dir, ...SECRET)
  node.say('torrent -m upload a')
  await lineOf(node, 'sharing a (')
  const told = /the tracker .* can't connect to this node at 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+/
  await node.waitFor(told)
  node.say('torrent -m upload b')
  await lineOf(node, 'sharing b (')
  t.equal(node.stderr.split('\n').filter((line) => told.test(line)).length, 1)
})
