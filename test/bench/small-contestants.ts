/** Those who move many small files from one folder to another. */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import type { Contestant, Measurement } from './contestant.js'
import { ARIA2 } from './http.js'
import { Nginx } from './nginx.js'
import { download, leave, startNode, startTracker, upload } from './nodes.js'
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
  readonly name = 'piecemeal'
  readonly #dir: string
  #tracker = ''
  #owner: Command | undefined
  #downloader: Command | undefined

  constructor (stage: Stage, many: SmallFiles) {
    super(stage, many, 'small-piecemeal/Downloader')
    this.#dir = join(stage.folder, 'small-piecemeal')
  }

  async start (): Promise<void> {
    await cp(this.many.folder, join(this.#dir, 'Owner'), { recursive: true })
    this.#tracker = (await startTracker(this.stage)).address
    this.#owner = await startNode(this.stage, 'Owner', this.#dir, this.#tracker)
    await upload(this.#owner, this.many.files, this.stage.signal)
  }

  async prepare (): Promise<void> {
    this.#downloader = await startNode(this.stage, 'Downloader', this.#dir, this.#tracker)
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

/** `aria2c -j 8 -i LIST` from one nginx. */
export class SmallAria2 extends Small {
  readonly name = 'aria2c -j 8 -i, nginx'
  readonly #nginx: Nginx
  readonly #list: string

  constructor (stage: Stage, many: SmallFiles) {
    super(stage, many, 'small-aria2')
    this.#nginx = new Nginx(stage, { name: 'small-nginx', ports: 1, root: many.folder })
    this.#list = join(stage.folder, 'small-aria2-list')
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
    const measurement = await runToEnd([...ARIA2.argv, '-j', '8', '-i', this.#list, '--dir', this.targets[0]], this.stage.signal)
    return { ...measurement, ownersProcessorSeconds: difference(this.#nginx.used(), before) }
  }
}
