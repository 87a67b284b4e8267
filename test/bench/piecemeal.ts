/** This project: a tracker, owners that serve, and for each run a fresh node that fetches. */
import { copyFile, link, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Arena, Contestant, Measurement } from './contestant.js'
import { difference, peakBytes, processorSeconds, sum } from './processes.js'
import { download, leave, newSecret, nodeFolder, startNode, startTracker, upload } from './swarm.js'

/** Until a node that has just started is idle: its threads load their code. */
const SETTLE_MS = 1_000
const DOWNLOADER = 'Downloader'

export class Piecemeal implements Contestant {
  readonly name: string
  readonly target: string
  readonly #arena: Arena
  readonly #owners: string[]
  readonly #dir: string
  readonly #hasSecret: boolean
  /** Of the tracker and the nodes alike. */
  readonly #flags: string[] = []
  readonly #running: Command[] = []
  #tracker = ''
  #downloader: Command | undefined

  constructor (arena: Arena, owners: number, { hasSecret = false } = {}) {
    this.#arena = arena
    this.#hasSecret = hasSecret
    this.name = `piecemeal, ${owners} owners${hasSecret ? ', with a secret' : ''}`
    this.#owners = Array.from({ length: owners }, (_, i) => `Owner${i + 1}`)
    this.#dir = join(arena.stage.folder, `piecemeal-${owners}${hasSecret ? '-secret' : ''}`)
    this.target = join(this.#dir, DOWNLOADER, basename(arena.source))
  }

  available (): undefined {
    return undefined
  }

  async layOut (): Promise<void> {
    const { source } = this.#arena
    for (const owner of this.#owners) {
      const path = join(await nodeFolder(this.#dir, owner), basename(source))
      await link(source, path).catch(async () => await copyFile(source, path))
    }
  }

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    if (this.#hasSecret) this.#flags.push('--secret-file', await newSecret(stage, join(this.#dir, 'secret')))
    const { address } = await startTracker(stage, this.#flags)
    this.#tracker = address
    for (const name of this.#owners) {
      const owner = await startNode(stage, name, this.#dir, address, this.#flags)
      await upload(owner, [basename(source)], stage.signal)
      this.#running.push(owner)
    }
  }

  async prepare (): Promise<void> {
    const { stage } = this.#arena
    this.#downloader = await startNode(stage, DOWNLOADER, this.#dir, this.#tracker, this.#flags)
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  }

  async run (): Promise<Measurement> {
    const node = this.#downloader
    if (node === undefined) throw new Error('not prepared')
    const { stage, source } = this.#arena
    const [before, ownersBefore] = [processorSeconds(node.pid), this.#ownersSeconds()]
    const seconds = await download(node, [basename(source)], stage.signal)
    return {
      seconds,
      processorSeconds: difference(processorSeconds(node.pid), before),
      ownersProcessorSeconds: difference(this.#ownersSeconds(), ownersBefore),
      peakBytes: peakBytes(node.pid),
    }
  }

  async tidy (): Promise<void> {
    if (this.#downloader) await leave(this.#downloader)
    this.#downloader = undefined
    await rm(join(this.#dir, DOWNLOADER, '.piecemeal'), { recursive: true, force: true })
  }

  #ownersSeconds (): number | undefined {
    return sum(this.#running.map(({ pid }) => processorSeconds(pid)))
  }
}
