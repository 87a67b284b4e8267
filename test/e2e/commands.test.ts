/** What is typed, mistyped and answered, and what the exit status then says. */
import { mkdir, open, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { Command, ROOT } from '../helpers/command.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { NODE_BIN, NodeCommand, startNode, TRACKER_BIN } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import { takenPort } from '../helpers/ports.js'
import { MiB } from '../../lib/protocol/units.js'

/** Nobody listens there: for commands that need no tracker. */
const NO_TRACKER = { host: '127.0.0.1', port: 1 }
const LONGEST_NAME = `7${'x'.repeat(63)}`

void t.test('what makes no sense on standard input is told, once, and the node lives on', async (t) => {
  const node = await startNode(t, { name: LONGEST_NAME, tracker: NO_TRACKER, dir: await tempDir(t) })
  await node.waitFor('is away')
  const senseless = {
    'an unknown word': 'foo',
    'a quote that is not closed': 'torrent -m upload "not closed',
    'a bad digest': 'torrent -m download a --digest xyz',
    'a line of 10 MiB': Buffer.alloc(10 * MiB, 'x'),
  }
  for (const [what, line] of Object.entries(senseless)) {
    const before = node.mark()
    node.write(line)
    node.say('', 'torrent status')
    await node.waitFor(/^failed: .*\n/m, { since: before })
    await node.waitFor(/sharing 0/, { since: before })
    t.match(node.stderr.slice(before.stderr), /^failed: E_USAGE [^\n]+\n$/, what)
  }
  const before = node.mark()
  node.say('', '   ', 'torrent status\r')
  await node.waitFor(/sharing 0/, { since: before })
  t.equal(node.stderr.length, before.stderr, 'a blank line is nothing')
  node.write(pseudoRandomBytes(300_000, 'binary'))
  node.say('', 'torrent status')
  await node.waitFor(/sharing 0/, { since: node.mark() })
  t.equal(await node.leave(), 2)
})

void t.test('flags that make no sense: status 2, one line, nothing started', async (t) => {
  const dir = await tempDir(t)
  for (const [bin, args] of [[NODE_BIN, ['-n', 'x', '-d', dir, '--nope']], [TRACKER_BIN, ['-p', '65536']]] as const) {
    const command = new Command(t, bin, args, { cwd: dir })
    t.strictSame(await command.exit(10_000), { status: 2, signal: null })
    t.match(command.stderr, /^failed: E_USAGE [^\n]+\n$/)
    t.equal(command.stdout, '')
  }
  t.strictSame(await readdir(dir), [], 'no folder was made')
})

void t.test('a node name that is not allowed', async (t) => {
  const dir = await tempDir(t)
  const command = new Command(t, NODE_BIN, ['--name=a/b', '-d', dir])
  t.strictSame(await command.exit(), { status: 16, signal: null })
  t.match(command.stderr, /^failed: E_NAME [^\n]+\n$/)
  t.strictSame(await readdir(dir), [])
})

void t.test('--help says all of it, --version the version', async (t) => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const nodeHelp = new Command(t, NODE_BIN, ['--help'])
  const trackerHelp = new Command(t, TRACKER_BIN, ['--help'])
  const versions = [new Command(t, NODE_BIN, ['--version']), new Command(t, TRACKER_BIN, ['--version'])]
  for (const command of [nodeHelp, trackerHelp, ...versions]) {
    t.strictSame(await command.exit(), { status: 0, signal: null })
    t.equal(command.stderr, '')
  }
  for (const word of [
    '-n', '-p', '-t', '--tracker', '-d', '--dir', '--host', '--json', '127.0.0.1:12340', 'node_files',
    '-setMode upload', '-setMode download', '-m', '--digest', 'list', 'status', 'exit', 'help',
  ]) t.ok(nodeHelp.stdout.includes(word), `the node's names ${word}`)
  for (const word of ['-p', '--host', '12340', '127.0.0.1']) t.ok(trackerHelp.stdout.includes(word), `the tracker's names ${word}`)
  for (const { stdout } of versions) t.equal(stdout, `${version}\n`)
})

void t.test('list, status and help', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  await writeFile(join(owner.folder, 'apple'), 'a')
  await writeFile(join(owner.folder, 'pear'), 'pp')
  owner.say('torrent list')
  await owner.waitFor(/^0 files$/m)
  await owner.upload('apple', 'pear')
  let before = owner.mark()
  owner.say('torrent list')
  await owner.waitFor(/^2 files$/m, { since: before })
  t.match(owner.stdout.slice(before.stdout), /^apple .*\npear .*\n|^pear .*\napple .*\n/)
  before = owner.mark()
  owner.say('torrent list pe')
  await owner.waitFor(/^1 file$/m, { since: before })
  t.match(owner.stdout.slice(before.stdout), /^pear [^\n]*\n1 file\n$/, 'only what begins so')
  owner.say('torrent status')
  await owner.waitFor(/sharing 2, fetching 0, serving 0/)
  owner.say('torrent help')
  await owner.waitFor('torrent -setMode download')
  t.equal(await owner.leave(), 0)
})

void t.test('a target that is there is left untouched, whatever it is', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker })
  const node = await startNode(t, { name: 'node', tracker, dir })
  const names = ['file', 'folder', 'dangling']
  for (const name of names) await owner.share(name, Buffer.from('from the owner'))
  await writeFile(join(node.folder, 'file'), 'my own')
  await mkdir(join(node.folder, 'folder'))
  await symlink('nowhere', join(node.folder, 'dangling'))
  node.say(`torrent -m download ${names.join(' ')}`)
  for (const name of names) t.match(await node.failed(name), new RegExp(`: E_EXISTS .*"${name}"`))
  t.equal(await readFile(join(node.folder, 'file'), 'utf8'), 'my own')
  t.ok((await stat(join(node.folder, 'folder'))).isDirectory())
  t.equal(await readlink(join(node.folder, 'dangling')), 'nowhere')
  t.strictSame(await visibleFiles(node.folder), [...names].sort())
  t.equal(await node.leave(), 13)
})

void t.test('a file that nobody owns', async (t) => {
  const node = await startNode(t, { name: 'text', tracker: await trackerHere(t), dir: await tempDir(t) })
  node.say('torrent -m download nothing')
  t.match(await node.failed('nothing'), /: E_NO_OWNER .*"nothing"/)
  t.notMatch(node.stdout, /failed/, 'it is said on standard error')
  t.equal(await node.leave(), 3)
})

void t.test('a second download of a file that is under way', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour: { stopAfter: { bytes: 0, how: 'stall' } } })
  await owner.share('a.bin', pseudoRandomBytes(MiB, 1))
  const node = await startNode(t, { name: 'node', tracker, dir })
  node.say('torrent -m download a.bin')
  await once(owner, 'stopped', { signal: AbortSignal.timeout(10_000) })
  node.say('torrent -m download a.bin')
  t.match(await node.failed('a.bin'), /: E_IN_PROGRESS .*"a\.bin"/)
  owner.resume()
  await node.waitFor(/^saved a\.bin /m)
  t.equal(await node.leave(), 15, 'the status of the last error')
})

void t.test('two contents under one name are never mixed: the versions are listed, and --digest picks one', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const contents = ['one', 'two'].map((name) => pseudoRandomBytes(3_000_000, name))
  for (const [i, data] of contents.entries()) await (await FakeOwner.start(t, { name: `owner${i}`, tracker })).share('my file.bin', data)
  const node = await startNode(t, { name: 'node', tracker, dir })
  node.say("torrent -m download 'my file.bin'")
  t.match(await node.failed('my file.bin'), /: E_CONFLICT /)
  // Both versions are there; the lines may come one by one.
  const [commands] = await node.waitFor(/(?:^ +torrent -m download .*\n){2}/m)
  const [command = ''] = commands.split('\n')
  const [, hex] = /--digest (?:blake3:)?([0-9a-f]{8,64})/.exec(command.split('  (')[0] ?? '') ?? []
  t.ok(hex, 'each version comes with the command that picks it')
  node.say(command.trim().split('  ')[0] ?? '')
  await node.waitFor(/^saved my file\.bin /m)
  const saved = await readFile(join(node.folder, 'my file.bin'))
  t.equal(contents.filter((data) => data.equals(saved)).length, 1, 'it is one of the two, whole')
  t.equal(await node.leave(), 9)

  const json = await startNode(t, { name: 'json', tracker, dir, json: true })
  json.say("torrent -m download 'my file.bin'")
  await json.waitFor('"event":"failed"')
  const failed = json.events.find(({ event }) => event === 'failed')
  t.match(failed, { code: 'E_CONFLICT', versions: [{ digest: /^blake3:[0-9a-f]{64}$/, size: 3_000_000 }, { digest: /^blake3:/ }] })
  const [{ digest }] = failed?.versions as [{ digest: string }]
  json.say(`torrent -m download --digest ${digest} 'my file.bin'`)
  await json.waitFor('"event":"saved"')
  t.match(json.events.find(({ event }) => event === 'saved'), { digest })
})

void t.test('a port that is in use', async (t) => {
  const dir = await tempDir(t)
  const port = await takenPort(t)
  const commands = [
    new NodeCommand(t, { name: 'input', tracker: NO_TRACKER, dir, ports: [port, 0] }),
    new NodeCommand(t, { name: 'output', tracker: NO_TRACKER, dir, ports: [0, port] }),
    new Command(t, TRACKER_BIN, ['-p', String(port)]),
  ]
  for (const command of commands) {
    t.strictSame(await command.exit(), { status: 18, signal: null })
    t.match(command.stderr, new RegExp(`^failed: E_PORT .*\\b${port}\\b.*\n$`), 'one line, that names the port')
    t.equal(command.stdout, '')
  }
})

void t.test('out of descriptors at the start: the limit is named', async (t) => {
  const dir = await tempDir(t)
  for (const most of [22, 24, 26, 28]) {
    const node = new Command(t, 'prlimit', [`--nofile=${most}`, NODE_BIN, '-n', 'node', '-t', '127.0.0.1:1', '-d', dir])
    t.strictSame(await node.exit(), { status: 23, signal: null }, `${most}`)
    t.match(node.stderr, /^(?:tracker .*\n)?failed: E_LIMIT cannot start: out of file descriptors, raise ulimit -n\n$/)
  }
})

void t.test('a name that a live node has, at the tracker or on the folder', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const first = await startNode(t, { name: 'twin', tracker, dir })
  await writeFile(join(first.folder, 'a'), 'a')
  await first.upload('a')

  const sameFolder = new NodeCommand(t, { name: 'twin', tracker: NO_TRACKER, dir })
  const sameName = new NodeCommand(t, { name: 'twin', tracker, dir: await tempDir(t) })
  for (const second of [sameFolder, sameName]) {
    t.strictSame(await second.exit(), { status: 25, signal: null })
    t.match(second.stderr, /^failed: E_NAME_TAKEN [^\n]*"[^\n]*twin"[^\n]*\n$/)
    t.equal(second.stdout, '')
  }
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  await fetcher.download('a')
  t.equal(await first.leave(), 0, 'the first was not disturbed')
  const next = await startNode(t, { name: 'twin', tracker, dir })
  t.equal(await next.leave(), 0, 'the name is free again')
})

void t.test('an upload of what is no regular file is refused at once', async (t) => {
  const dir = await tempDir(t)
  const node = await startNode(t, { name: 'node', tracker: await trackerHere(t), dir })
  await writeFile(join(node.folder, 'file'), 'x')
  await symlink('file', join(node.folder, 'link'))
  await symlink('/etc/passwd', join(node.folder, 'outward'))
  t.equal(spawnSync('mkfifo', [join(node.folder, 'pipe')]).status, 0)
  const refusals = { link: 'E_FORBIDDEN', outward: 'E_FORBIDDEN', pipe: 'E_FORBIDDEN', missing: 'E_IO' }
  node.say(`torrent -m upload ${Object.keys(refusals).join(' ')}`)
  for (const [name, code] of Object.entries(refusals)) t.match(await node.failed(name, 5_000), new RegExp(`: ${code} .*"${name}"`))
  if (process.getuid?.() !== 0) {
    await writeFile(join(node.folder, 'unreadable'), 'x', { mode: 0o000 })
    node.say('torrent -m upload unreadable')
    t.match(await node.failed('unreadable', 5_000), /: E_FORBIDDEN /)
  }
  node.say('torrent status')
  await node.waitFor('sharing 0,')
  node.say('torrent -m upload missing')
  t.equal(await node.leave(), 11)
})

void t.test('--json: every line is an object that tells what happened', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const data = pseudoRandomBytes(20 * MiB, 'json')
  const owner = await startNode(t, { name: 'owner1', tracker, dir, json: true })
  await writeFile(join(owner.folder, 'a.bin'), data)
  owner.say('torrent -m upload a.bin')
  await owner.waitFor('"event":"sharing"')
  await (await FakeOwner.start(t, { name: 'owner2', tracker })).share('a.bin', data)
  const node = await startNode(t, { name: 'node', tracker, dir, json: true })
  node.say('torrent -m download a.bin nothing', 'mistyped', 'torrent list', 'torrent status', 'torrent help')
  t.equal(await node.leave(), 3)
  t.equal(node.stderr, '', 'errors are events, too')

  const { events } = node
  const sharing = owner.events.find(({ event }) => event === 'sharing')
  t.match(sharing, { file: 'a.bin', bytes: 20 * MiB, digest: /^blake3:[0-9a-f]{64}$/, seconds: Number })
  t.match(events[0], { event: 'listening', name: 'node' })
  const usage = events.find(({ event, code }) => event === 'failed' && code === 'E_USAGE')
  t.match(usage, { message: /mistyped/ })
  t.equal(usage?.file, undefined, 'it is about no file')
  t.match(events.find(({ event, file }) => event === 'failed' && file === 'nothing'), { code: 'E_NO_OWNER', message: /"nothing"/ })
  const saved = events.find(({ event }) => event === 'saved')
  t.match(saved, { file: 'a.bin', bytes: 20 * MiB, seconds: Number, owners: [{ name: /^owner[12]$/, bytes: Number }] })
  t.equal(saved?.digest, sharing?.digest)
  const bytes = (saved?.owners as Array<{ bytes: number }>).map(({ bytes }) => bytes)
  t.equal(bytes.reduce((sum, bytes) => sum + bytes), 20 * MiB, 'every byte came from somebody')
  t.match(events.at(-1), { event: 'left' })
})

void t.test('standard input that is /dev/null', async (t) => {
  const devNull = await open('/dev/null')
  t.teardown(async () => await devNull.close())
  const node = new NodeCommand(t, { name: 'node', tracker: NO_TRACKER, dir: await tempDir(t), stdin: devNull.fd })
  t.strictSame(await node.exit(), { status: 0, signal: null })
  t.match(node.stdout, /^node listening: /)
})

void t.test('a standard output that nobody reads any more', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const data = pseudoRandomBytes(2 * MiB, 'unread')
  await (await FakeOwner.start(t, { name: 'owner', tracker })).share('a.bin', data)
  const node = await startNode(t, { name: 'node', tracker, dir })
  node.child.stdout?.destroy()
  node.child.stderr?.destroy()
  node.say('torrent status', 'mistyped', 'torrent list', 'torrent -m download a.bin')
  t.equal(await node.leave(), 2, 'the status is that of the mistyped one')
  t.ok((await readFile(join(node.folder, 'a.bin'))).equals(data), 'what it was told to do is done')
})
