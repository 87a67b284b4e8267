/** How a node ends: told to, at the end of its input, by a signal; idle, and in the middle of a transfer. */
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Command } from '../helpers/command.js'
import { FakeOwner, type FakeFile } from '../helpers/fake-owner.js'
import { firstDifference, hiddenLeftovers, pseudoRandomBytes, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { NODE_BIN, startNode, startTracker, type NodeCommand } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import type { Address } from '../../lib/protocol/address.js'
import type { Tracker } from '../../lib/tracker/tracker.js'
import { MiB } from '../../lib/protocol/units.js'

const SIZE = 4 * MiB
/** Two whole pieces, and half of a third. */
const BEFORE_STALL = 2.5 * MiB

interface Scene {
  dir: string
  tracker: Address
  owner: FakeOwner
  file: FakeFile
  node: NodeCommand
}

/** A download that has got two and a half of its four pieces, and gets no more until the owner resumes. */
async function inTheMiddle (t: Test): Promise<Scene> {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker, behaviour: { stopAfter: { bytes: BEFORE_STALL, how: 'stall' } } })
  const file = await owner.share('a.bin', pseudoRandomBytes(SIZE, 'leaving'))
  const node = await startNode(t, { name: 'node', tracker, dir, json: true })
  node.say('torrent -m download a.bin')
  await node.waitFor(new RegExp(`"event":"progress","task":"download".*"bytes":${BEFORE_STALL}\\b`))
  return { dir, tracker, owner, file, node }
}

async function assertSaved (t: Test, { node, dir }: Scene): Promise<void> {
  await writePseudoRandom(join(dir, 'original'), SIZE, 'leaving')
  t.equal(await firstDifference(join(node.folder, 'a.bin'), join(dir, 'original')), undefined, 'the file is right')
  t.strictSame(await hiddenLeftovers(node.folder), [], 'nothing is left of what was under way')
}

async function assertKept (t: Test, { node }: Scene): Promise<void> {
  t.strictSame(await visibleFiles(node.folder), [], 'no final name')
  t.ok((await hiddenLeftovers(node.folder)).length > 0, 'but what was fetched is kept')
}

/** No final name, the good pieces kept; the same command again fetches only the rest. */
async function assertGoesOn (t: Test, scene: Scene): Promise<void> {
  const { dir, tracker, owner } = scene
  await assertKept(t, scene)
  const before = owner.requests.length
  owner.resume()
  const again = await startNode(t, { name: 'node', tracker, dir })
  await again.download('a.bin')
  t.match(await again.saved('a.bin'), /\bkept\b/, 'it says that a part was there already')
  for (const { start } of owner.requests.slice(before)) t.ok(start >= 2 * MiB, `from ${start} on: the good pieces are not fetched again`)
  t.equal(await again.leave(), 0)
  await assertSaved(t, scene)
}

void t.test('exit waits for the download that runs, and takes no further command', async (t) => {
  const scene = await inTheMiddle(t)
  const { node, owner } = scene
  const before = node.mark()
  // The status is there in answer to the first line, so the exit right behind it is obeyed by then.
  node.say('torrent status', 'torrent exit', 'torrent -m download another.bin', 'torrent list')
  await node.waitFor('"event":"status"', { since: before })
  t.equal(node.isRunning, true)
  owner.resume()
  t.strictSame(await node.exit(), { status: 0, signal: null })
  t.notMatch(node.stdout, /another\.bin|"event":"list"/)
  t.strictSame(node.events.map(({ event }) => event).filter((event) => event !== 'progress').slice(-2), ['saved', 'left'])
  await assertSaved(t, scene)
})

void t.test('a second exit does not wait for it', async (t) => {
  const scene = await inTheMiddle(t)
  scene.node.say('torrent exit', 'torrent exit')
  t.strictSame(await scene.node.exit(5_000), { status: 20, signal: null })
  t.match(scene.node.events.find(({ event }) => event === 'failed'), { file: 'a.bin', code: 'E_INTERRUPTED' })
  await assertGoesOn(t, scene)
})

void t.test('the end of input is no exit: the download is finished first', async (t) => {
  const scene = await inTheMiddle(t)
  const before = scene.node.mark()
  scene.node.say('torrent status')
  scene.node.endInput()
  await scene.node.waitFor('"event":"status"', { since: before })
  scene.owner.resume()
  t.strictSame(await scene.node.exit(), { status: 0, signal: null })
  await assertSaved(t, scene)
})

void t.test('at the end of input a node that was told to upload serves on until a signal', async (t) => {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  await writePseudoRandom(join(owner.folder, 'a.bin'), SIZE)
  owner.say('torrent -m upload a.bin')
  owner.endInput()
  await owner.waitFor(/^sharing a\.bin /m)
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  fetcher.say('torrent -m download a.bin')
  fetcher.endInput()
  t.strictSame(await fetcher.exit(), { status: 0, signal: null }, 'the fetcher leaves when it is done')
  t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(owner.folder, 'a.bin')), undefined)
  t.equal(owner.isRunning, true)
  owner.signal('SIGTERM')
  t.strictSame(await owner.exit(5_000), { status: 0, signal: null })
})

void t.test('at the end of input the failure of a download is the status', async (t) => {
  const dir = await tempDir(t)
  const node = await startNode(t, { name: 'node', tracker: await trackerHere(t), dir })
  node.say('torrent -m download nothing')
  node.endInput()
  t.strictSame(await node.exit(), { status: 3, signal: null })
})

void t.test('a signal when nothing runs, to a node and to a tracker', async (t) => {
  const tracker = await startTracker(t)
  const node = await startNode(t, { name: 'node', tracker, dir: await tempDir(t) })
  await writePseudoRandom(join(node.folder, 'a.bin'), 1_000)
  await node.upload('a.bin')
  node.signal('SIGINT')
  t.strictSame(await node.exit(5_000), { status: 0, signal: null })
  await tracker.waitFor(/^node left$/m, { ms: 5_000 })
  tracker.signal('SIGTERM')
  t.strictSame(await tracker.exit(5_000), { status: 0, signal: null })
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  void t.test(`${signal} in the middle of a download`, async (t) => {
    const scene = await inTheMiddle(t)
    scene.node.signal(signal)
    t.strictSame(await scene.node.exit(5_000), { status: 20, signal: null })
    t.match(scene.node.events.find(({ event }) => event === 'failed'), { file: 'a.bin', code: 'E_INTERRUPTED' })
    await assertKept(t, scene)
  })
}

void t.test('a second signal ends it on the spot, as if nobody listened', async (t) => {
  const { node, tracker } = await uploading(t)
  const left = leaves(tracker)
  node.say('torrent exit')
  await left
  // Both are there before the process looks: no end of the first comes between them.
  node.signal('SIGSTOP')
  node.signal('SIGINT')
  node.signal('SIGTERM')
  node.signal('SIGCONT')
  const { signal } = await node.exit(5_000)
  t.ok(signal === 'SIGINT' || signal === 'SIGTERM', String(signal))
})

void t.test('SIGHUP is nothing to a node that is spoken to from no terminal, as under nohup', async (t) => {
  const tracker = await startTracker(t)
  const node = await startNode(t, { name: 'node', tracker, dir: await tempDir(t) })
  for (const command of [node, tracker]) command.signal('SIGHUP')
  const before = node.mark()
  node.say('torrent list')
  await node.waitFor(/^0 files$/m, { since: before })
  t.equal(await node.leave(), 0)
  t.equal(tracker.isRunning, true)
})

void t.test('SIGHUP ends a node whose terminal goes away, as SIGTERM does', async (t) => {
  const tracker = await trackerHere(t)
  const dir = await tempDir(t)
  const line = `echo pid $$; exec ${NODE_BIN} -n node -t 127.0.0.1:${tracker.port} -d ${dir}; `
  const terminal = new Command(t, 'script', ['-qec', line, '/dev/null'])
  const [, pid] = await terminal.waitFor(/^pid (\d+)/m)
  // Joined it is before; only then does it say so.
  await terminal.waitFor(/^node listening: /m)
  const left = leaves(tracker)
  process.kill(Number(pid), 'SIGHUP')
  await left
  t.strictSame(await terminal.exit(5_000), { status: 0, signal: null })
  t.match(terminal.stdout, /node left/)
})

void t.test('a signal while exit waits for a download', async (t) => {
  const scene = await inTheMiddle(t)
  const before = scene.node.mark()
  scene.node.say('torrent status', 'torrent exit')
  await scene.node.waitFor('"event":"status"', { since: before })
  scene.node.signal('SIGTERM')
  t.strictSame(await scene.node.exit(5_000), { status: 20, signal: null })
  await assertKept(t, scene)
})

void t.test('SIGKILL in the middle of a download: the folder is free again, and the pieces are there', async (t) => {
  const scene = await inTheMiddle(t)
  scene.node.signal('SIGKILL')
  t.strictSame(await scene.node.exit(), { status: null, signal: 'SIGKILL' })
  await assertGoesOn(t, scene)
})

void t.test('a node that leaves lets a running upload finish, and is off the owner lists meanwhile', async (t) => {
  const { node, tracker, socket, size } = await uploading(t)
  const left = leaves(tracker)
  node.say('torrent exit')
  await left
  t.equal(node.isRunning, true)
  let received = 0
  socket.on('data', (chunk: Buffer) => { received += chunk.length })
  await once(socket, 'end', { signal: AbortSignal.timeout(10_000) })
  t.ok(received > size, 'the whole range came, and the line before it')
  t.strictSame(await node.exit(), { status: 0, signal: null })
})

void t.test('an upload that does not get on holds up nobody for more than 5 s', async (t) => {
  const { node, tracker } = await uploading(t)
  const left = leaves(tracker)
  node.say('torrent exit')
  await left
  const begun = performance.now()
  t.strictSame(await node.exit(8_000), { status: 0, signal: null })
  t.ok(performance.now() - begun > 2_000, 'it did wait')
})

void t.test('leaving by a second exit does not forget that a command failed', async (t) => {
  const { node, tracker } = await uploading(t)
  const left = leaves(tracker)
  node.say('mistyped', 'torrent exit')
  await left
  node.say('torrent exit')
  t.strictSame(await node.exit(8_000), { status: 2, signal: null })
})

/** A node that is in the middle of sending more than a connection holds by itself, to one who does not read. */
async function uploading (t: Test): Promise<{ node: NodeCommand, tracker: Tracker, socket: ReturnType<typeof connect>, size: number }> {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  const node = await startNode(t, { name: 'node', tracker, dir, json: true })
  const { output } = portsOf(node)
  await writePseudoRandom(join(node.folder, 'a.bin'), 24 * MiB)
  node.say('torrent -m upload a.bin')
  await node.waitFor('"event":"sharing"')
  const digest = node.events.find(({ event }) => event === 'sharing')?.digest
  const { size } = await stat(join(node.folder, 'a.bin'))
  const socket = connect({ host: '127.0.0.1', port: output })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(`${JSON.stringify({ type: 'FileCommunication', filename: 'a.bin', digest, range: [0, size] })}\n`)
  await once(socket, 'readable', { signal: AbortSignal.timeout(10_000) })
  return { node, tracker, socket, size }
}

/** It is off the lists. */
async function leaves (tracker: Tracker): Promise<void> {
  await once(tracker, 'left', { signal: AbortSignal.timeout(10_000) })
}

function portsOf (node: NodeCommand): { output: number } {
  const { output } = node.events.find(({ event }) => event === 'listening') as unknown as { output: { port: number } }
  return { output: output.port }
}
