/** This project: a tracker, owners that serve, and for each run fresh nodes that fetch. */
import { spawnSync } from 'node:child_process'
import { copyFile, link, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import { ROOT } from '../helpers/command.js'
import { count } from '../../lib/ui/format.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { download, leave, newSecret, nodeFolder, startNode, startTracker, upload } from './nodes.js'
import { difference, most, peakBytes, processorSeconds, sum } from './processes.js'

/** Until a node that has just started is idle: its threads load their code. */
export const SETTLE_MS = 1_000

export interface PiecemealOptions {
  /** What is fetched, where one stage has several files. @default not told */
  what?: string
  owners: number
  /** They start together. @default 1 */
  downloaders?: number
  /** Where their folders are made. @default beside those of the owners */
  downloadersDir?: string
  /** What each owner may send a second, as `bin/node --up` takes it. @default no limit */
  up?: string
  /** Options of `bin/node` for the downloaders. @default none */
  flags?: readonly string[]
  /** All of them, and the tracker. @default false */
  hasSecret?: boolean
  /** Whether the source is a folder, which is shared where it lies. @default false */
  isFolder?: boolean
}

export class Piecemeal implements Contestant {
  readonly name: string
  readonly targets: readonly string[]
  readonly #arena: Pick<Arena, 'stage' | 'source'>
  readonly #ownerFlags: readonly string[]
  readonly #downloaderFlags: readonly string[]
  readonly #owners: string[]
  readonly #downloaders: string[]
  readonly #dir: string
  readonly #downloadersDir: string
  readonly #hasSecret: boolean
  readonly #isFolder: boolean
  /** Of the tracker and the nodes alike. */
  readonly #flags: string[] = []
  #tracker = ''
  readonly #running: Command[] = []
  #fetching: Command[] = []

  constructor (arena: Pick<Arena, 'stage' | 'source'>, { what, owners, downloaders = 1, downloadersDir, up, flags = [], hasSecret = false, isFolder = false }: PiecemealOptions) {
    this.#arena = arena
    this.#isFolder = isFolder
    this.#hasSecret = hasSecret
    this.name = [
      'piecemeal',
      ...(what === undefined ? [] : [what]),
      ...(downloaders > 1 ? [count(downloaders, 'downloader')] : []),
      `${count(owners, 'owner')}${up === undefined ? '' : ` at ${up}/s`}`,
      ...flags,
      ...(hasSecret ? ['with a secret'] : []),
    ].join(', ')
    this.#ownerFlags = up === undefined ? [] : ['--up', up]
    this.#downloaderFlags = flags
    this.#owners = names('Owner', owners)
    this.#downloaders = names('Downloader', downloaders)
    this.#dir = join(arena.stage.folder, this.name.replace(/\W+/g, '-'))
    this.#downloadersDir = downloadersDir === undefined ? this.#dir : join(downloadersDir, basename(this.#dir))
    this.targets = this.#downloaders.map((name) => join(this.#downloadersDir, name, basename(arena.source)))
  }

  available (): string | undefined {
    const flags = [...this.#ownerFlags, ...this.#downloaderFlags]
    if (flags.length === 0) return undefined
    // A flag that is unknown is refused even beside --help.
    const { status } = spawnSync('bin/node', [...flags, '--help'], { cwd: ROOT, stdio: 'ignore' })
    return status === 0 ? undefined : `bin/node does not take ${flags.join(' ')}`
  }

  async layOut (): Promise<void> {
    const { source } = this.#arena
    for (const owner of this.#owners) {
      const path = join(await nodeFolder(this.#dir, owner), basename(source))
      if (this.#isFolder) continue
      await link(source, path).catch(async () => await copyFile(source, path))
    }
  }

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    if (this.#hasSecret) this.#flags.push('--secret-file', await newSecret(stage, join(this.#dir, 'secret')))
    const { address } = await startTracker(stage, this.#flags)
    this.#tracker = address
    for (const name of this.#owners) {
      const owner = await startNode(stage, name, this.#dir, address, [...this.#flags, ...this.#ownerFlags])
      await upload(owner, [this.#isFolder ? source : basename(source)], stage.signal)
      this.#running.push(owner)
    }
  }

  async prepare (): Promise<void> {
    const { stage } = this.#arena
    this.#fetching = await Promise.all(this.#downloaders.map(async (name) => await startNode(stage, name, this.#downloadersDir, this.#tracker, [...this.#flags, ...this.#downloaderFlags])))
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  }

  async run (): Promise<Measurement> {
    const { stage, source } = this.#arena
    const [before, ownersBefore] = [used(this.#fetching), used(this.#running)]
    const startMs = performance.now()
    const saved = await Promise.all(this.#fetching.map(async (node) => await download(node, [basename(source)], stage.signal)))
    const seconds = (performance.now() - startMs) / 1_000
    const sources = saved.flat().flatMap(({ owners }) => owners).filter(({ name }) => this.#owners.includes(name))
    return {
      seconds,
      processorSeconds: difference(used(this.#fetching), before),
      ownersProcessorSeconds: difference(used(this.#running), ownersBefore),
      peakBytes: most(this.#fetching.map(({ pid }) => peakBytes(pid))),
      sentBytes: sources.reduce((total, { bytes }) => total + bytes, 0),
    }
  }

  async tidy (): Promise<void> {
    await Promise.all(this.#fetching.map(leave))
    this.#fetching = []
    for (const name of this.#downloaders) await rm(join(this.#downloadersDir, name, '.piecemeal'), { recursive: true, force: true })
  }
}

function names (what: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${what}${i + 1}`)
}

function used (nodes: readonly Command[]): number | undefined {
  return sum(nodes.map(({ pid }) => processorSeconds(pid)))
}
