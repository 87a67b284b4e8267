/** A disk that is full, has a limit, or is not there: real file systems, small ones, and what a node says and does. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { quote } from 'shlex'
import { Command } from '../helpers/command.js'
import { FakeOwner } from '../helpers/fake-owner.js'
import { DATA_PATHS } from '../helpers/ways.js'
import { firstDifference, pseudoRandomBytes, tempDir, visibleFiles } from '../helpers/files.js'
import { NODE_BIN, nodeFolder, startNode, type NodeCommand } from '../helpers/piecemeal.js'
import { trackerHere } from '../helpers/tracker.js'
import type { Address } from '../../lib/protocol/address.js'
import { MiB } from '../../lib/protocol/units.js'

const DATA = pseudoRandomBytes(16 * MiB, 'disk')
const SMALL = pseudoRandomBytes(MiB + 1, 'disk, small')
/** No room, or no right: it is told at once, and not after every byte has come. */
const FAILED_WITHIN_MS = 5_000

/** How to get a mount of one's own: as root, or as the root of a namespace of one's own. */
const UNSHARE = [['unshare', '-m'], ['unshare', '-rm']].find(([file = '', ...args]) =>
  spawnSync(file, [...args, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/tmp']).status === 0)
const withMounts = { skip: UNSHARE ? false as const : 'NO SMALL DISK TO FILL: this machine lets nobody mount a tmpfs (unshare -m)' }
const unlessRoot = { skip: process.getuid?.() === 0 ? 'ROOT MAY WRITE ANYWHERE: see the read-only mount for what root can test' : false as const }

void t.test('a file that has no room is refused before any byte, and others live meanwhile', withMounts, async (t) => {
  const { tracker, dir, owner } = await setUp(t)
  const fetcher = await startOnSmallDisk(t, { tracker, dir, options: 'size=8m' })
  await owner.share('large.bin', DATA)
  await owner.share('small.bin', SMALL)
  owner.behaviour.stopAfter = { bytes: 1_000, how: 'stall' }
  const stopped = once(owner, 'stopped')
  fetcher.say('torrent -m download small.bin')
  await stopped
  fetcher.say('torrent -m download large.bin')
  t.match(await fetcher.failed('large.bin', FAILED_WITHIN_MS), /^failed large\.bin: E_DISK_FULL .*"large\.bin"/)
  t.ok(owner.requests.every(({ filename }) => filename === 'small.bin'), 'nothing of it was asked for')
  owner.resume()
  await fetcher.saved('small.bin')
  t.equal(await firstDifference(join(seenBy(fetcher), 'small.bin'), await written(dir, SMALL)), undefined)
  t.strictSame(await visibleFiles(seenBy(fetcher)), ['small.bin'])
  t.equal(await fetcher.leave(), 28)
})

for (const { path, pathFlags } of DATA_PATHS) {
  void t.test(`${path}: the room vanishes in the middle`, withMounts, async (t) => {
    const { tracker, dir, owner } = await setUp(t)
    const fetcher = await startOnSmallDisk(t, { tracker, dir, options: 'size=24m', flags: pathFlags })
    await owner.share('large.bin', DATA)
    await owner.share('small.bin', SMALL)
    owner.behaviour.stopAfter = { bytes: MiB + 5, how: 'stall' }
    const stopped = once(owner, 'stopped')
    fetcher.say('torrent -m download large.bin')
    await stopped
    const filler = join(seenBy(fetcher), 'filler')
    await fillUp(filler)

    const begunMs = performance.now()
    owner.resume()
    t.match(await fetcher.failed('large.bin', FAILED_WITHIN_MS), /^failed large\.bin: E_DISK_FULL /)
    t.ok(performance.now() - begunMs < FAILED_WITHIN_MS, 'it is said within 5 s')
    t.strictSame(await visibleFiles(seenBy(fetcher)), ['filler'], 'there is no final name')
    t.ok(fetcher.isRunning)

    await rm(filler)
    await fetcher.download('small.bin')
    t.equal(await firstDifference(join(seenBy(fetcher), 'small.bin'), await written(dir, SMALL)), undefined, 'a small download works afterwards')
    fetcher.say('torrent -m download large.bin')
    await fetcher.waitFor(/^saved large\.bin /m)
    t.equal(await firstDifference(join(seenBy(fetcher), 'large.bin'), await written(dir, DATA)), undefined, 'and so does the same one, now that there is room')
    t.equal(await fetcher.leave(), 28)
  })
}

void t.test('a limit on the size of files', async (t) => {
  const { tracker, dir, owner } = await setUp(t)
  await owner.share('large.bin', DATA)
  await owner.share('small.bin', SMALL)
  // In blocks of 512 bytes by POSIX, of 1,024 in some shells: 3 or 6 MiB.
  const bin = await script(dir, `ulimit -f ${3 * MiB / 512}\nexec ${quote(NODE_BIN)} "$@"`)
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, bin })
  fetcher.say('torrent -m download large.bin')
  t.match(await fetcher.failed('large.bin', FAILED_WITHIN_MS), /^failed large\.bin: E_(?:IO|DISK_FULL) /)
  t.strictSame(await visibleFiles(fetcher.folder), [], 'there is no final name')
  await fetcher.download('small.bin')
  t.equal(await firstDifference(join(fetcher.folder, 'small.bin'), await written(dir, SMALL)), undefined, 'a small download works afterwards')
  const status = await fetcher.leave()
  t.ok(status === 11 || status === 28, 'the status is that of the error', { status })
})

void t.test('the folder of a node is made if it is missing', async (t) => {
  const { tracker, dir } = await setUp(t)
  const deep = join(dir, 'not', 'there', 'yet')
  const node = nodeIn(t, tracker, deep)
  await node.waitFor(/^fetcher listening: /m)
  t.ok((await stat(join(deep, 'fetcher'))).isDirectory())
  node.say('torrent exit')
  t.strictSame(await node.exit(), { status: 0, signal: null })
})

void t.test('a file in the place of the folder, or above it', async (t) => {
  const { tracker, dir } = await setUp(t)
  await writeFile(join(dir, 'fetcher'), 'a file')
  await writeFile(join(dir, 'file'), 'a file')
  for (const [folder, path] of [[dir, join(dir, 'fetcher')], [join(dir, 'file'), join(dir, 'file', 'fetcher')]] as const) {
    const node = nodeIn(t, tracker, folder)
    await failsWithPath(t, node, path)
  }
  t.equal((await stat(join(dir, 'fetcher'))).size, 'a file'.length, 'it is left untouched')
})

void t.test('a folder that may not be written to', unlessRoot, async (t) => {
  const { tracker, dir, owner } = await setUp(t)
  const folder = nodeFolder(dir, 'fetcher')
  await writeFile(join(folder, 'mine'), SMALL)
  await chmod(folder, 0o555)
  await sharesButFetchesNothing(t, await startNode(t, { name: 'fetcher', tracker, dir, bin: await script(dir, `${cacheIn(dir)} exec ${quote(NODE_BIN)} "$@"`) }), owner)
})

void t.test('a folder on a disk that is read-only', withMounts, async (t) => {
  const { tracker, dir, owner } = await setUp(t)
  const folder = nodeFolder(dir, 'fetcher')
  await writeFile(join(folder, 'mine'), SMALL)
  const inside = `mount --bind -o ro ${quote(folder)} ${quote(folder)} && mount -o remount,bind,ro ${quote(folder)} && ${cacheIn(dir)} exec ${quote(NODE_BIN)} "$@"`
  const bin = await script(dir, `exec ${(UNSHARE ?? []).join(' ')} sh -c ${quote(inside)} sh "$@"`)
  await sharesButFetchesNothing(t, await startNode(t, { name: 'fetcher', tracker, dir, bin }), owner)
})

/** For a command: what it keeps for its user. */
function cacheIn (dir: string): string {
  return `XDG_CACHE_HOME=${quote(join(dir, 'cache'))}`
}

/** Nobody can write to its folder: its file `mine` is offered all the same. */
async function sharesButFetchesNothing (t: Test, node: NodeCommand, owner: FakeOwner): Promise<void> {
  await owner.share('small.bin', SMALL)
  node.say('torrent -m upload mine')
  await node.waitFor(/^sharing mine /m)
  node.say('torrent -m download small.bin')
  t.match(await node.failed('small.bin', FAILED_WITHIN_MS), /^failed small\.bin: E_IO .*read-only/)
  t.equal(owner.requests.length, 0, 'nothing was asked for')
  t.strictSame(await visibleFiles(seenBy(node)), ['mine'])
  t.equal(await node.leave(), 11)
}

/** `failed: E_IO`, with the path in quotes, in one line; status 11; nothing half-started. */
async function failsWithPath (t: Test, node: Command, path: string): Promise<void> {
  t.strictSame(await node.exit(), { status: 11, signal: null })
  t.match(node.stderr, /^failed: E_IO /)
  t.ok(node.stderr.includes(JSON.stringify(path)), 'the path is named', { stderr: node.stderr })
  t.equal(node.stderr.trimEnd().split('\n').length, 1)
  t.equal(node.stdout, '')
}

async function setUp (t: Test): Promise<{ tracker: Address, dir: string, owner: FakeOwner }> {
  const dir = await tempDir(t)
  const tracker = await trackerHere(t)
  return { tracker, dir, owner: await FakeOwner.start(t, { name: 'owner', tracker }) }
}

/** Without a folder made for it. */
function nodeIn (t: Test, tracker: Address, dir: string, bin = NODE_BIN): Command {
  return new Command(t, bin, ['-n', 'fetcher', '-t', `${tracker.host}:${tracker.port}`, '-d', dir])
}

async function startOnSmallDisk (t: Test, { tracker, dir, options, flags = [] }: { tracker: Address, dir: string, options: string, flags?: string[] }): Promise<NodeCommand> {
  return await startNode(t, { name: 'fetcher', tracker, dir, flags, bin: await onMount(dir, nodeFolder(dir, 'fetcher'), options) })
}

/** A `bin/node` that has a file system of its own at `folder`. It replaces itself all the way, so its process is the one that was spawned. */
async function onMount (dir: string, folder: string, options: string): Promise<string> {
  const inside = `mount -t tmpfs -o ${options} none ${quote(folder)} && exec ${quote(NODE_BIN)} "$@"`
  return await script(dir, `exec ${(UNSHARE ?? []).join(' ')} sh -c ${quote(inside)} sh "$@"`)
}

async function script (dir: string, text: string): Promise<string> {
  const path = join(dir, 'bin.sh')
  await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return path
}

/** A node's folder as the node sees it: the mount is nobody else's. */
function seenBy (node: NodeCommand): string {
  return join(`/proc/${node.pid}/root`, node.folder)
}

/** Writes zeros until there is no room left. */
async function fillUp (path: string): Promise<void> {
  const file = await open(path, 'wx')
  const zeros = Buffer.alloc(4_096)
  try {
    for (;;) await file.write(zeros)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

/** What is expected, as a file to compare with. */
async function written (dir: string, data: Buffer): Promise<string> {
  const folder = join(dir, 'expected')
  await mkdir(folder, { recursive: true })
  const path = join(folder, String(data.length))
  await writeFile(path, data)
  return path
}
