/** Those who move many small files from one folder to another. */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import type { Contestant, Measurement } from './contestant.js'
import { ARIA2 } from './http.js'
import { Nginx } from './nginx.js'
import { download, leave, newSecret, startNode, startTracker, upload } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { difference, peakBytes, processorSeconds, runToEnd } from './processes.js'

export interface SmallFiles {
  folder: string
  files: readonly string[]
}

abstract class Small implements Contestant {
  abstract readonly name: string
  readonly targets: readonly [folder: string]
  protected readonly stage: Stage
  protected readonly many: SmallFiles

  constructor (stage: Stage, many: SmallFiles, target: string) {
    this.stage = stage
    this.many = many
    this.targets = [join(stage.folder, target)]
  }

  available (): string | undefined {
    return undefined
  }

  abstract run (): Promise<Measurement>
}

export class SmallCopy extends Small {
  readonly name = 'cp'

  constructor (stage: Stage, many: SmallFiles) {
    super(stage, many, 'small-copied')
  }

  async run (): Promise<Measurement> {
    return await runToEnd(['cp', '-r', this.many.folder, this.targets[0]], this.stage.signal)
  }
}

/** One owner that serves, and for each run a fresh node. */
export class SmallPiecemeal extends Small {
  readonly name: string
  readonly #dir: string
  readonly #hasSecret: boolean
  /** Of the tracker and the nodes alike. */
  readonly #flags: string[] = []
  #tracker = ''
  #owner: Command | undefined
  #downloader: Command | undefined

  constructor (stage: Stage, many: SmallFiles, { hasSecret = false } = {}) {
    const folder = hasSecret ? 'small-secret' : 'small-piecemeal'
    super(stage, many, `${folder}/Downloader`)
    this.name = hasSecret ? 'piecemeal, with a secret' : 'piecemeal'
    this.#hasSecret = hasSecret
    this.#dir = join(stage.folder, folder)
  }

  async start (): Promise<void> {
    await cp(this.many.folder, join(this.#dir, 'Owner'), { recursive: true })
    if (this.#hasSecret) this.#flags.push('--secret-file', await newSecret(this.stage, join(this.#dir, 'secret')))
    this.#tracker = (await startTracker(this.stage, this.#flags)).address
    this.#owner = await startNode(this.stage, 'Owner', this.#dir, this.#tracker, this.#flags)
    await upload(this.#owner, this.many.files, this.stage.signal)
  }

  async prepare (): Promise<void> {
    this.#downloader = await startNode(this.stage, 'Downloader', this.#dir, this.#tracker, this.#flags)
    await sleep(SETTLE_MS, undefined, { signal: this.stage.signal })
  }

  async run (): Promise<Measurement> {
    const [node, owner] = [this.#downloader, this.#owner]
    if (node === undefined || owner === undefined) throw new Error('not prepared')
    const [before, ownerBefore] = [processorSeconds(node.pid), processorSeconds(owner.pid)]
    const startMs = performance.now()
    await download(node, this.many.files, this.stage.signal)
    return {
      seconds: (performance.now() - startMs) / 1_000,
      processorSeconds: difference(processorSeconds(node.pid), before),
      ownersProcessorSeconds: difference(processorSeconds(owner.pid), ownerBefore),
      peakBytes: peakBytes(node.pid),
    }
  }

  async tidy (): Promise<void> {
    if (this.#downloader) await leave(this.#downloader)
    this.#downloader = undefined
  }
}

/** `aria2c -j JOBS -i LIST` from one nginx. */
export class SmallAria2 extends Small {
  readonly name: string
  readonly #jobs: number
  readonly #nginx: Nginx
  readonly #list: string

  constructor (stage: Stage, many: SmallFiles, jobs: number) {
    super(stage, many, `small-aria2-${jobs}`)
    this.name = `aria2c -j ${jobs} -i, nginx`
    this.#jobs = jobs
    this.#nginx = new Nginx(stage, { name: `small-nginx-${jobs}`, ports: 1, root: many.folder })
    this.#list = join(stage.folder, `small-aria2-${jobs}-list`)
  }

  override available (): string | undefined {
    return ARIA2.available()
  }

  async start (): Promise<void> {
    await this.#nginx.start()
    await writeFile(this.#list, this.many.files.map((file) => `${this.#nginx.origins[0]}/${file}\n`).join(''))
  }

  async run (): Promise<Measurement> {
    const before = this.#nginx.used()
    const measurement = await runToEnd([...ARIA2.argv, '-j', String(this.#jobs), '-i', this.#list, '--dir', this.targets[0]], this.stage.signal)
    return { ...measurement, ownersProcessorSeconds: difference(this.#nginx.used(), before) }
  }
}
