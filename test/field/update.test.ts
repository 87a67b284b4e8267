/** Folders that are replaced by the version after them, by nodes that are killed meanwhile, and where somebody writes into them. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { tempDir } from '../helpers/files.js'
import type { Exit } from '../helpers/command.js'
import { Piecemeal, place } from '../helpers/everyday.js'
import { startNode, type NodeCommand } from '../helpers/piecemeal.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { listTree, plant } from '../tree/trees.js'
import { mountExt4, run, unmountAfter } from './mounts.js'

t.setTimeout(480_000)

const FILES = 1_000
const KILLS = 3
const KILL_AT = import.meta.resolve('./kill-at.js')

const seed = chooseSeed()
const random = seededRandom(seed)

interface Setting {
  dir: string
  root: string
  owner: Node
  tracker: { host: string, port: number }
}

async function setUp (t: Test): Promise<Setting> {
  const dir = await tempDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const root = join(dir, 'd')
  for (let i = 0; i < FILES; i++) {
    const folder = join(root, String(i % 20))
    if (i < 20) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, String(i)), `the bytes of ${i}`.repeat(200))
  }
  const owner = new Node({ name: 'owner', dir, tracker: address })
  t.teardown(async () => await owner.close())
  await owner.start()
  await owner.upload(root)
  return { dir, root, owner, tracker: address }
}

/** @returns where the version before is */
async function nextVersion ({ dir, root, owner }: Setting, version: number): Promise<string> {
  const before = join(dir, 'before')
  rmSync(before, { recursive: true, force: true })
  run('cp', '-a', root, before)
  for (let i = version; i < FILES; i += 100) appendFileSync(join(root, String(i % 20), String(i)), `, version ${version}`)
  writeFileSync(join(root, `added ${version}`), 'new')
  rmSync(join(root, `added ${version - 1}`), { force: true })
  await owner.upload(root)
  return before
}

async function fetcherOf (t: Test, { tracker, dir }: Setting, ...flags: string[]): Promise<NodeCommand> {
  return await startNode(t, { name: 'fetcher', tracker, dir, json: true, flags })
}

async function fetch (fetcher: NodeCommand, ...options: string[]): Promise<void> {
  const since = fetcher.mark()
  fetcher.say(['torrent -m download d', ...options].join(' '))
  await fetcher.waitFor(/"event":"saved".*\n/, { since })
}

function areSame (one: string, other: string): boolean {
  return spawnSync('diff', ['-r', '--no-dereference', one, other]).status === 0
}

/** As soon as there is a name like that. */
async function appears (folder: string, name: RegExp): Promise<void> {
  const watcher = watch(folder)
  try {
    while (!readdirSync(folder).some((there) => name.test(there))) await once(watcher, 'change', { signal: AbortSignal.timeout(20_000) })
  } finally {
    watcher.close()
  }
}

await t.test(`SIGKILL at each step up to the exchange, and at ${KILLS} random moments: PIECEMEAL_SEED=${seed}`, async (t) => {
  const setting = await setUp(t)
  let fetcher = await fetcherOf(t, setting)
  await fetch(fetcher)
  const { folder } = fetcher
  const hidden = join(folder, '.piecemeal')
  const target = join(folder, 'd')
  let version = 0
  const began = performance.now()
  await update(fetcher)
  const tookMs = performance.now() - began

  async function update (fetcher: NodeCommand): Promise<void> {
    await nextVersion(setting, ++version)
    await fetch(fetcher, '--update')
  }

  const moments: Array<[string, () => Promise<unknown>]> = [
    ['it is noted', async () => await appears(hidden, /\.update$/)],
    ['it lies beside', async () => await appears(folder, /^\.piecemeal-/)],
    ['the exchange is noted', async () => await appears(hidden, /\.update\.exchange$/)],
    ...Array.from({ length: KILLS }, (): [string, () => Promise<unknown>] => {
      const ms = random() * tookMs
      return [`${Math.round(ms)} of ${Math.round(tookMs)} ms`, async () => await sleep(ms)]
    }),
  ]
  let exchanged = 0
  for (const [name, moment] of moments) {
    const before = await nextVersion(setting, ++version)
    const reached = moment()
    fetcher.say('torrent -m download d --update')
    await reached
    fetcher.signal('SIGKILL')
    await fetcher.exit()
    const isNew = areSame(target, setting.root)
    t.ok(isNew || areSame(target, before), `${name}: the ${isNew ? 'new' : 'old'} tree, whole`)
    if (isNew) exchanged++
    fetcher = await fetcherOf(t, setting)
    await fetcher.waitFor('"event":"listening"')
    await fetch(fetcher, '--update')
    t.ok(areSame(target, setting.root), 'the next start goes on')
    t.strictSame(readdirSync(hidden).filter((name) => /\.exchange$|^[0-9a-f]{64}$/.test(name)), [], 'and has tidied')
  }
  t.comment(`${exchanged} had been exchanged`)
  t.strictSame(readdirSync(folder).filter((name) => name.includes('.kept-')), [])
})

await t.test('a guest that is killed before each step leaves nothing that the next one does not tidy', async (t) => {
  const setting = await setUp(t)
  const { dir, root, tracker: { host, port } } = setting
  const guest = place(dir, 'guest')
  const target = join(guest.cwd, 'd')
  const log = join(dir, 'killed')
  const get = (...options: string[]): string[] => ['get', 'd', '-t', `${host}:${port}`, '--insecure', ...options]
  await new Piecemeal(t, guest, ...get()).done()
  await killAtEachStep(t, setting, target, {
    killedAt: async (step) => {
      const variables = { NODE_OPTIONS: `--import=${KILL_AT}`, KILL_AT: String(step), KILL_LOG: log }
      return await new Piecemeal(t, { ...guest, variables }, ...get('--update')).exit()
    },
    next: async () => {
      await new Piecemeal(t, guest, ...get('--update')).done()
      t.strictSame(readdirSync(guest.cwd), ['d'], 'and has tidied')
    },
    log,
  })
  t.ok(areSame(target, root))
})

await t.test('so does a node, also after the exchange', async (t) => {
  const setting = await setUp(t)
  const { dir, tracker } = setting
  const first = await fetcherOf(t, setting)
  await fetch(first)
  await first.leave()
  const { folder } = first
  const log = join(dir, 'killed')
  /** The old tree goes at once, so that is a step as well. */
  const atOnce = ['--keep-old', '0']
  await killAtEachStep(t, setting, join(folder, 'd'), {
    killedAt: async (step) => {
      const variables = JSON.stringify({ KILL_AT: String(step), KILL_LOG: log })
      const preload = `data:text/javascript,${encodeURIComponent(`Object.assign(process.env, ${variables}); await import('${KILL_AT}')`)}`
      const node = await startNode(t, { name: 'fetcher', tracker, dir, json: true, preload, flags: atOnce })
      node.say('torrent -m download d --update')
      // It is killed while it starts, while it updates, or while it leaves.
      const isSaved = await Promise.race([node.waitFor(/"event":"saved".*\n/).then(() => true, () => false), node.exit().then(() => false)])
      if (isSaved) node.say('torrent exit')
      return await node.exit()
    },
    next: async () => {
      const node = await fetcherOf(t, setting, ...atOnce)
      await fetch(node, '--update')
      await node.leave()
      t.strictSame(readdirSync(join(folder, '.piecemeal')).filter((name) => /\.exchange$|^[0-9a-f]{64}$/.test(name)), [], 'and has tidied')
      t.strictSame(readdirSync(folder).filter((name) => name.includes('.kept-')), [])
    },
    log,
  })
})

interface Killing {
  /** Updates, and is killed before that step if there are so many. */
  killedAt: (step: number) => Promise<Exit>
  /** Updates, and is not killed. */
  next: () => Promise<void>
  /** Which steps these were. */
  log: string
}

async function killAtEachStep (t: Test, setting: Setting, target: string, { killedAt, next, log }: Killing): Promise<void> {
  const { root } = setting
  let steps = 0
  for (let version = 1; ; version++) {
    const before = await nextVersion(setting, version)
    const { signal } = await killedAt(version)
    if (signal === null) break
    steps = version
    const step = readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? ''
    const isNew = areSame(target, root)
    t.ok(isNew || areSame(target, before), `before ${step}: the ${isNew ? 'new' : 'old'} tree, whole`)
    await next()
    t.ok(areSame(target, root), 'the next one goes on')
  }
  t.ok(steps > 5, `${steps} steps`)
}

await t.test('on overlayfs: shared from the lower layer, fetched and replaced in the upper one; what is below is left as it is', async (t) => {
  const dir = await tempDir(t)
  const mountPoint = join(dir, 'mounted')
  mkdirSync(mountPoint)
  // On a disk of its own: what tests are in may be an overlay.
  mountExt4(t, { dir, mountPoint }, 64_000_000)
  const [lower = '', upper, work, merged = ''] = ['lower', 'upper', 'work', 'merged'].map((name) => join(mountPoint, name))
  for (const folder of [lower, upper, work, merged]) mkdirSync(folder ?? '')
  plant(lower, { 'd/a': 'a', 'd/b/c': 'c', 'fetcher/below/version': 'old' })
  run('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, merged)
  unmountAfter(t, merged)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const [owner, fetcher] = ['owner', 'fetcher'].map((name) => new Node({ name, dir: merged, tracker: address })) as [Node, Node]
  for (const node of [owner, fetcher]) {
    t.teardown(async () => await node.close())
    await node.start()
  }
  await owner.upload(join(merged, 'd'))
  await fetcher.download('d')
  const target = join(fetcher.folder, 'd')
  t.strictSame(listTree(target), { a: 'a', b: 'folder', 'b/c': 'c' })
  appendFileSync(join(merged, 'd/b/c'), ', and more')
  await owner.upload(join(merged, 'd'))
  await fetcher.download('d', { update: true })
  t.strictSame(listTree(target), { a: 'a', b: 'folder', 'b/c': 'c, and more' })

  const below = join(fetcher.folder, 'below')
  const { digest } = await owner.upload(plant(join(dir, 'below'), { version: 'old', more: 'new' }))
  await t.rejects(fetcher.download('below', { update: true, digest }), { code: 'E_EXISTS', message: /EXDEV/ })
  t.strictSame(listTree(below), { version: 'old' })
})

await t.test('whoever writes into it meanwhile loses nothing', async (t) => {
  const setting = await setUp(t)
  writeFileSync(join(setting.root, 'log'), 'a log\n')
  await setting.owner.upload(setting.root)
  const fetcher = await fetcherOf(t, setting, '--keep-old', '1')
  await fetch(fetcher)
  await nextVersion(setting, 1)
  const log = join(fetcher.folder, 'd', 'log')
  const updated = fetch(fetcher, '--update')
  let lines = 0
  const writer = setInterval(() => appendFileSync(log, `mine ${lines++}\n`), 1)
  t.teardown(() => clearInterval(writer))
  await updated
  clearInterval(writer)
  const kept = readdirSync(fetcher.folder).filter((name) => name.startsWith('d') || name.startsWith('.piecemeal-'))
  const all = kept.map((name) => join(fetcher.folder, name, 'log')).filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8')).join('')
  for (let line = 0; line < lines; line++) if (!all.includes(`mine ${line}\n`)) t.fail(`line ${line} of ${lines} is lost`)
})
