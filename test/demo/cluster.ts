/**
 * `npm run demo -- cluster`: three trackers that share one Redis. In the middle of two downloads one of the trackers is killed, and then
 * the Redis; both downloads go on, and in the end every file has all of its owners.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { join as shellJoin } from 'shlex'
import type { ProgressEvent, SavedEvent } from '../../lib/index.js'
import type { Files } from '../../lib/protocol/tracker-to-node.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { Failure } from '../../lib/ui/reporter.js'
import { sha256, writePseudoRandom } from '../helpers/files.js'
import { startWatchedRedis, type RedisServer } from '../registry/redis-server.js'
import type { Command } from './command.js'
import { perform } from './perform.js'
import { Screen } from './screen.js'
import { Stage } from './stage.js'

const FILE = 'random.bin'
const BYTES = 256 * 1_024 ** 2
/** What a fetcher takes in a second: there has to be a middle. */
const RATE = '16M'
const OWNERS = ['NodeA', 'NodeB']
const FETCHERS = ['NodeC', 'NodeD']
/** How much of the file NodeC has when something is killed. */
const [FIRST_SHARE, SECOND_SHARE] = [0.2, 0.5]
const DEADLINE_MS = 120_000
/** By then it is known that a killed tracker is dead, and the other Redis has all that this one had. */
const COMPLETE_MS = 20_000

type Told = { event: 'progress' } & ProgressEvent | { event: 'saved' } & SavedEvent | { event: 'failed' } & Failure | { event: 'list' } & Files | { event: 'listening' | 'sharing' | 'connected' }

const screen = new Screen(process.stdout)
const stage = new Stage({ name: 'piecemeal-demo', deadlineMs: DEADLINE_MS })
const { folder, signal } = stage
const teardowns: Array<() => unknown> = []
/** Which of the trackers a node has joined. */
const trackerOf = new Map<string, string>()

/** Whether nothing was lost. */
async function main (): Promise<boolean> {
  screen.headline('A Redis with a replica and a Sentinel, and three trackers that share it')
  const redis = await startWatchedRedis({ teardown: (clean) => teardowns.unshift(clean) })
  for (const server of [redis.master, redis.replica, redis.sentinel]) process.on('exit', () => server.signal('SIGKILL'))
  screen.said('Redis', `${redis.url}, the master is at port ${redis.master.port}`)
  const trackers = new Map<string, Command>()
  const addresses: string[] = []
  for (const name of ['Track1', 'Track2', 'Track3']) {
    const { tracker, address } = await startTracker(name, redis.url)
    trackers.set(name, tracker)
    addresses.push(address)
  }

  screen.headline(`Two nodes share a file of ${formatBytes(BYTES)}`)
  await makeFolders()
  const at = addresses.join()
  for (const name of OWNERS) await ask(await startNode(name, at), name, ['upload', FILE], 'sharing')

  screen.headline(`Two more fetch it, at ${RATE} a second`)
  const fetchers = await Promise.all(FETCHERS.map(async (name) => await startNode(name, at)))
  const saved = Promise.all(fetchers.map(async (node, i) => await ask(node, FETCHERS[i] ?? '', ['download', FILE], 'saved')))
  // It is waited for after what is done meanwhile.
  saved.catch(() => {})
  const [first] = fetchers as [Command]
  await has(first, FIRST_SHARE)
  await killTracker(trackers)
  await has(first, SECOND_SHARE)
  await killRedis(redis.master, trackers)
  await saved

  screen.headline('The same, by SHA-256? And does the network know all owners again?')
  const isFine = await compare() && await knowsAll(first)

  screen.headline('Everybody leaves')
  await stage.clear()
  return isFine
}

async function makeFolders (): Promise<void> {
  for (const name of OWNERS) await mkdir(join(folder, name))
  const [first, ...others] = OWNERS.map((name) => join(folder, name, FILE)) as [string, ...string[]]
  await writePseudoRandom(first, BYTES, randomBytes(16).toString('hex'))
  for (const other of others) await link(first, other)
}

async function startTracker (name: string, registry: string): Promise<{ tracker: Command, address: string }> {
  const tracker = start(name, ['bin/tracker', '-p', '0', '--registry', registry])
  tracker.on('line', (line) => {
    screen.said(name, line)
    const [, joined] = /^(\S+) joined$/.exec(line) ?? []
    if (joined !== undefined) trackerOf.set(joined, name)
  })
  const [address = ''] = await tracker.read(1, signal, (line) => /^tracker listening on (.+)$/.exec(line)?.[1])
  return { tracker, address }
}

/** Its JSON is read for the facts; people are shown a few of them. */
async function startNode (name: string, trackers: string): Promise<Command> {
  const node = start(name, ['bin/node', '-n', name, '-t', trackers, '-d', folder, '--down', RATE, '--json'])
  node.on('line', (line) => {
    const told = toldIn(line)
    if (told === undefined) screen.said(name, line)
    else if (told.event === 'progress' && name === FETCHERS[0]) screen.progress(name, told.file, told.bytes, told.size)
    else if (told.event === 'failed') screen.said(name, `failed: ${told.code} ${told.message}`)
    else if (told.event === 'saved') {
      if (name === FETCHERS[0]) screen.endProgress()
      screen.said(name, `saved ${told.file}, from ${told.owners.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ')}`)
    }
  })
  await node.read(1, signal, (line) => toldIn(line)?.event === 'listening' || undefined)
  return node
}

/** Has a node do something, and waits until it says that it did. @throws if it says that it failed */
async function ask (node: Command, name: string, [mode = '', ...files]: string[], done: Told['event']): Promise<void> {
  const command = shellJoin(['torrent', '-m', mode, ...files])
  screen.typed(name, `> ${command}`)
  const over = node.read(1, signal, (line) => [done, 'failed'].find((event) => toldIn(line)?.event === event))
  node.type(command)
  if ((await over)[0] !== done) throw new Error(`${name} could not ${mode} it`)
}

/** Until a node has that share of the file. */
async function has (node: Command, share: number): Promise<void> {
  await node.read(1, signal, (line) => {
    const told = toldIn(line)
    return (told?.event === 'progress' && told.bytes >= share * told.size) || undefined
  })
}

/** The one that a fetcher is connected to. */
async function killTracker (trackers: Map<string, Command>): Promise<void> {
  const name = trackerOf.get(FETCHERS[0] ?? '') ?? ''
  const tracker = trackers.get(name)
  if (tracker === undefined) throw new Error('a node that fetches has joined no tracker')
  screen.headline(`The tracker of ${FETCHERS[0]} is killed`)
  screen.typed(name, `$ kill -9 ${tracker.pid}`)
  tracker.kill()
  await tracker.ended()
  trackers.delete(name)
}

async function killRedis (master: RedisServer, trackers: Map<string, Command>): Promise<void> {
  screen.headline('The Redis is killed, and the Sentinel makes its replica the master')
  screen.typed('Redis', `$ kill -9 ${master.pid}`)
  const back = [...trackers.values()].map(async (tracker) => await tracker.read(1, signal, (line) => line === 'the registry is back' || undefined))
  await master.kill()
  await Promise.all(back)
}

async function compare (): Promise<boolean> {
  const digests = await Promise.all([...OWNERS, ...FETCHERS].map(async (name) => await sha256(join(folder, name, FILE))))
  for (const [i, digest] of digests.entries()) screen.said([...OWNERS, ...FETCHERS][i] ?? '', digest)
  return new Set(digests).size === 1
}

/** Whether the network lists the file with all four that have it, within the time that it says it takes. */
async function knowsAll (node: Command): Promise<boolean> {
  const [everybody, endMs] = [OWNERS.length + FETCHERS.length, performance.now() + COMPLETE_MS]
  for (;;) {
    const listed = node.read(1, signal, (line) => {
      const told = toldIn(line)
      return told?.event === 'list' ? told.files : undefined
    })
    node.type('torrent list')
    const owners = (await listed)[0]?.find(({ filename }) => filename === FILE)?.owners ?? 0
    if (owners === everybody || performance.now() > endMs) {
      screen.line(`${FILE} has ${owners} of ${everybody} owners`)
      return owners === everybody
    }
    await sleep(500, undefined, { signal })
  }
}

/** What is no JSON is said on standard error. */
function toldIn (line: string): Told | undefined {
  return line.startsWith('{') ? JSON.parse(line) as Told : undefined
}

function start (name: string, argv: [string, ...string[]]): Command {
  screen.typed(name, `$ ${shellJoin(argv)}`)
  return stage.start(argv)
}

await perform('nothing was lost', { screen, stage }, main)
for (const clean of teardowns) await clean()
