/** A program that uses trackers and nodes and tells what is left of them: a process of its own, where threads start without tap's loader. */
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Node, readSecret, Tracker, writeNewSecret, type Secret } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { hiddenLeftovers, pseudoRandomBytes } from '../helpers/files.js'

const SETTLE_MS = 1_000

interface Leftovers {
  handles: string[]
  descriptors: string[]
  threads: number
}

function leftovers (): Leftovers {
  return {
    handles: process.getActiveResourcesInfo().sort(),
    descriptors: readdirSync('/proc/self/fd').map(nameOf).filter((name) => name !== undefined).sort(),
    threads: readdirSync('/proc/self/task').length,
  }
}

function nameOf (fd: string): string | undefined {
  try {
    return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`
  } catch {
    // The one that the list was read by.
    return undefined
  }
}

/** What is left once the loop has closed what it was told to close, or after a while. */
async function settled (wanted: Leftovers): Promise<Leftovers> {
  const deadlineMs = performance.now() + SETTLE_MS
  while (JSON.stringify(leftovers()) !== JSON.stringify(wanted) && performance.now() < deadlineMs) await turn()
  return leftovers()
}

/** A life: files come and go, one node leaves, the other is closed in the middle of a download and of an upload. */
async function live (dir: string, secret: Secret | undefined): Promise<string[]> {
  const tracker = new Tracker({ port: 0, secret })
  const address = await tracker.start()
  const [a, b] = ['NodeA', 'NodeB'].map((name) => new Node({ name, dir, tracker: address, secret })) as [Node, Node]
  await Promise.all([a.start(), b.start()])
  const files = { small: 5, piece: MiB, pieces: 3 * MiB + 5, long: 32 * MiB }
  for (const [name, size] of Object.entries(files)) await writeFile(join(a.folder, name), pseudoRandomBytes(size, name))
  await Promise.all(Object.keys(files).map(async (name) => await a.upload(name)))
  await Promise.all(['small', 'piece', 'pieces'].map(async (name) => await b.download(name)))
  await codeOf(b.download('nothing'))
  await Promise.all([a.status(), b.list()])
  const hidden = await hiddenLeftovers(b.folder)

  b.limit('down', 4 * MiB)
  const begun = new Promise<void>((resolve) => b.on('progress', ({ file, bytes }) => { if (file === 'long' && bytes > 0) resolve() }))
  const cut = codeOf(b.download('long'))
  await begun
  await b.close()
  await cut
  await a.leave()
  await tracker.close()
  return hidden
}

/** Lives that end before they begin, by either port. */
async function failToStart (dir: string): Promise<void> {
  const tracker = new Tracker({ port: 0 })
  const address = await tracker.start()
  for (const port of ['inputPort', 'outputPort']) await codeOf(new Node({ name: 'NodeC', dir, tracker: address, [port]: address.port }).start())
  await tracker.close()
}

async function codeOf (failing: Promise<unknown>): Promise<unknown> {
  return await failing.then(() => 'none', ({ code }: { code: unknown }) => code)
}

const root = await mkdtemp(join(tmpdir(), 'piecemeal-test-'))
await writeNewSecret(join(root, 'secret'))
const secret = await readSecret(join(root, 'secret'))
const lives: Record<string, (dir: string) => Promise<unknown>> = {
  plain: async (dir) => await live(dir, undefined),
  'with a secret': async (dir) => await live(dir, secret),
  'a node that could not start': failToStart,
}
// The first ones start what a process has once: the threads of file calls, and whatever is loaded.
for (const [name, life] of Object.entries(lives)) await life(join(root, 'first', name))
const before = await settled(leftovers())
for (const [name, life] of Object.entries(lives)) {
  const hidden = await life(join(root, name)) ?? []
  console.log(JSON.stringify({ name, hidden, before, after: await settled(before) }))
}
await rm(root, { recursive: true })
