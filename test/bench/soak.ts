/**
 * Half an hour of a small network's life, at random from a seed: downloads, cancels, kills, pauses and
 * files that change. Whatever was saved is right, and memory and descriptors of those that live
 * through it are flat.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { appendFile, chmod, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { MiB } from '../../lib/protocol/units.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { nodeFolder, startNode, startTracker, upload } from './nodes.js'
import { median } from './statistics.js'

const FILES = 24
const MOST_FILE_BYTES = 24 * MiB
/** Those that live through it all, and those that come and go. */
const STEADY = ['Owner', 'Fetcher']
const FLEETING = ['Guest1', 'Guest2', 'Guest3']
/** The owners' rate, so that there is a middle of a download for things to happen in. */
const UP = '20M'
const OUTCOME_MS = 90_000
const MOST_PAUSE_MS = 3_000
const SAMPLE_MS = 10_000
/** Until caches and heaps have the size that the work asks for. */
const WARM_UP_SHARE = 0.2
/** What becomes of a download where files change, owners go and somebody changes their mind. */
const EXPECTED = new Set(['E_INTERRUPTED', 'E_CHANGED', 'E_NO_OWNER', 'E_CONFLICT', 'E_NOT_SHARED', 'E_EXISTS', 'E_TRACKER', 'E_NETWORK'])

interface Sample {
  residentBytes: number
  descriptors: number
  threads: number
}

interface Tally {
  saved: number
  cancelled: number
  killed: number
  changed: number
  paused: number
  failed: Map<string, number>
}

export async function soak (stage: Stage, { minutes, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const seed = chooseSeed()
  const life = await Life.begin(stage, seed)
  const samples = new Map<string, Sample[]>()
  const endMs = performance.now() + minutes * 60_000
  let sampleMs = performance.now() + SAMPLE_MS
  while (performance.now() < endMs && !stage.signal.aborted) {
    await life.step()
    if (performance.now() < sampleMs) continue
    sampleMs += SAMPLE_MS
    for (const [name, command] of life.steady) samples.set(name, [...samples.get(name) ?? [], sampleOf(command.pid)])
    say(`soak: ${Math.max(0, (endMs - performance.now()) / 60_000).toFixed(1)} minutes to go; ${life.summary}`)
  }
  await life.end()
  return {
    title: `${minutes} minutes of downloads, cancels, kills and changes, seed ${seed}`,
    table: [
      ['process', 'memory, first and last third', 'descriptors', 'threads'],
      ...[...samples].map(([name, all]) => rowOf(name, all)),
    ],
    notes: [life.summary, `PIECEMEAL_SEED=${seed} makes the same choices, though not at the same moments.`],
    ratios: [],
    data: { seed, samples: Object.fromEntries(samples), tally: { ...life.tally, failed: Object.fromEntries(life.tally.failed) } },
  }
}

/** Medians, after the warm-up. */
function rowOf (name: string, all: readonly Sample[]): string[] {
  const warm = all.slice(Math.floor(all.length * WARM_UP_SHARE))
  const third = Math.max(1, Math.floor(warm.length / 3))
  const of = (samples: readonly Sample[], what: keyof Sample): number => median(samples.map((sample) => sample[what]))
  const [first, last] = [warm.slice(0, third), warm.slice(-third)]
  const change = (what: keyof Sample, format: (value: number) => string = String): string => `${format(of(first, what))} → ${format(of(last, what))}`
  return [name, change('residentBytes', formatBytes), change('descriptors'), change('threads')]
}

class Life {
  readonly tally: Tally = { saved: 0, cancelled: 0, killed: 0, changed: 0, paused: 0, failed: new Map() }
  readonly steady = new Map<string, Command>()
  readonly #stage: Stage
  readonly #dir: string
  readonly #tracker: string
  readonly #random: () => number
  readonly #fleeting = new Map<string, Command>()
  /** File name → the SHA-256 of every content that ever went by it. */
  readonly #contents = new Map<string, Set<string>>()
  #version = 0

  static async begin (stage: Stage, seed: number): Promise<Life> {
    const { address, tracker } = await startTracker(stage)
    const life = new Life(stage, address, seed)
    life.steady.set('tracker', tracker)
    await life.#settle()
    return life
  }

  private constructor (stage: Stage, tracker: string, seed: number) {
    this.#stage = stage
    this.#dir = join(stage.folder, 'soak')
    this.#tracker = tracker
    this.#random = seededRandom(seed)
  }

  get summary (): string {
    const { failed, ...counts } = this.tally
    return [...Object.entries(counts), ...failed].map(([what, count]) => `${what} ${count}`).join(', ')
  }

  /** Something happens. */
  async step (): Promise<void> {
    const chance = this.#random()
    if (chance < 0.55) await this.#download(this.#pick([...this.#fleeting.values(), this.#command('Fetcher')]), false)
    else if (chance < 0.7) await this.#download(this.#command('Fetcher'), true)
    else if (chance < 0.8) await this.#kill(this.#pick(FLEETING))
    else if (chance < 0.93) await this.#change(this.#pick([...this.#contents.keys()]))
    else await this.#pause()
  }

  async end (): Promise<void> {
    for (const command of [...this.#fleeting.values(), ...this.steady.values()].reverse()) await command.stop()
  }

  async #settle (): Promise<void> {
    for (const name of STEADY) this.steady.set(name, await this.#start(name))
    for (const name of FLEETING) this.#fleeting.set(name, await this.#start(name))
    for (let i = 0; i < FILES; i++) await this.#write(`file${i}`)
    await upload(this.#command('Owner'), [...this.#contents.keys()], this.#stage.signal)
  }

  async #start (name: string): Promise<Command> {
    await nodeFolder(this.#dir, name)
    return await startNode(this.#stage, name, this.#dir, this.#tracker, name === 'Owner' ? ['--up', UP] : [])
  }

  /** A new content of the owner's, under a name. */
  async #write (file: string): Promise<void> {
    const data = pseudoRandomBytes(Math.floor(this.#random() ** 3 * MOST_FILE_BYTES), `${this.#version++}`)
    await writeFile(this.#pathOf('Owner', file), data)
    this.#know(file, data)
  }

  #know (file: string, data: Buffer): void {
    this.#contents.set(file, (this.#contents.get(file) ?? new Set()).add(digestOf(data)))
  }

  /** Fetches a file and forgets it again, or changes its mind on the way. */
  async #download (node: Command, isCancelled: boolean): Promise<void> {
    const name = this.#nameOf(node)
    const file = this.#pick([...this.#contents.keys()])
    const outcome = this.#outcome(node, file)
    node.type(`torrent -m download ${file}`)
    if (isCancelled) {
      await sleep(this.#random() * 500)
      node.type(`torrent cancel ${file}`)
    }
    const code = await outcome
    if (code === 'saved') {
      const data = await readFile(this.#pathOf(name, file))
      if (this.#contents.get(file)?.has(digestOf(data)) !== true) throw new Error(`${name} saved a ${file} that nobody ever shared`)
      this.tally.saved++
      node.type(`torrent unshare ${file}`)
      await rm(this.#pathOf(name, file))
    } else if (code === 'E_INTERRUPTED' && isCancelled) {
      this.tally.cancelled++
    } else {
      if (!EXPECTED.has(code)) throw new Error(`${name} could not fetch ${file}: ${code}`)
      this.tally.failed.set(code, (this.tally.failed.get(code) ?? 0) + 1)
      await rm(this.#pathOf(name, file), { force: true })
    }
  }

  async #kill (name: string): Promise<void> {
    const node = this.#fleeting.get(name)
    node?.type(`torrent -m download ${this.#pick([...this.#contents.keys()])}`)
    await sleep(this.#random() * 300)
    node?.kill()
    await node?.ended()
    await rm(join(this.#dir, name), { recursive: true, force: true })
    this.#fleeting.set(name, await this.#start(name))
    this.tally.killed++
  }

  /** What people and programs do to a file that is shared. */
  async #change (file: string): Promise<void> {
    const path = this.#pathOf('Owner', file)
    const changes = [
      async () => await chmod(path, 0o640),
      async () => await utimes(path, new Date(), new Date()),
      async () => {
        await appendFile(path, 'one more line\n')
        this.#know(file, await readFile(path))
      },
      async () => await this.#write(file),
    ]
    await this.#pick(changes)()
    const owner = this.#command('Owner')
    const outcome = this.#outcome(owner, file)
    owner.type(`torrent -m upload ${file}`)
    const code = await outcome
    if (code !== 'sharing') throw new Error(`${file} could not be shared again: ${code}`)
    this.tally.changed++
  }

  /** What becomes of a file; one that nothing becomes of ends it all. */
  async #outcome (node: Command, file: string): Promise<string> {
    const late = setTimeout(() => this.#stage.stop(`${this.#nameOf(node)} said nothing of ${file} for ${OUTCOME_MS / 1_000} s`), OUTCOME_MS)
    try {
      const [outcome = ''] = await node.read(1, this.#stage.signal, (line) => outcomeOf(line, file))
      return outcome
    } finally {
      clearTimeout(late)
    }
  }

  async #pause (): Promise<void> {
    const { pid } = this.#command('Owner')
    process.kill(pid, 'SIGSTOP')
    await sleep(this.#random() * MOST_PAUSE_MS)
    process.kill(pid, 'SIGCONT')
    this.tally.paused++
  }

  #command (name: string): Command {
    const command = this.steady.get(name)
    if (command === undefined) throw new Error(`${name} does not run`)
    return command
  }

  #nameOf (command: Command): string {
    const [name] = [...this.steady, ...this.#fleeting].find(([, other]) => other === command) ?? []
    if (name === undefined) throw new Error('it does not run')
    return name
  }

  #pathOf (name: string, file: string): string {
    return join(this.#dir, name, file)
  }

  #pick<T> (from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }
}

/** What a line says became of a file: `saved`, `sharing`, or the code of its failure. */
function outcomeOf (line: string, file: string): string | undefined {
  const event = JSON.parse(line) as { event: string, file?: string, code?: string }
  if (event.file !== file) return undefined
  if (event.event === 'saved' || event.event === 'sharing') return event.event
  return event.event === 'failed' ? event.code : undefined
}

function digestOf (data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function sampleOf (pid: number): Sample {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return {
    residentBytes: Number(kibibytes) * 1_024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  }
}
