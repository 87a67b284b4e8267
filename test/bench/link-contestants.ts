/** Whoever fetches a file over a link: from hosts of a network to one of them. */
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import type { Host } from '../helpers/network.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { ARIA2 } from './http.js'
import { Nginx } from './nginx.js'
import { download, leave, nodeFolder, startNode, startTracker, upload, type Starter } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { hintUnlessFound, runToEnd } from './processes.js'

/** Who is on the network. */
export interface Hosts {
  tracker: Host
  owners: readonly Host[]
  downloader: Host
}

export interface LinkMeasurement extends Measurement {
  /** The same for a small file, which is mostly round trips. */
  smallSeconds?: number
}

const SMALL = { file: 'small.bin', bytes: 4_096 }

export class LinkPiecemeal implements Contestant<LinkMeasurement> {
  readonly name = 'piecemeal'
  readonly targets: readonly string[]
  readonly #arena: Arena
  readonly #hosts: Hosts
  readonly #dir: string
  readonly #running: Command[] = []
  #tracker = ''
  #node: Command | undefined

  constructor (arena: Arena, hosts: Hosts) {
    this.#arena = arena
    this.#hosts = hosts
    this.#dir = join(dirname(arena.source), 'piecemeal')
    this.targets = [join(this.#dir, 'Downloader', basename(arena.source))]
  }

  available (): undefined {}

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    const { tracker, owners } = this.#hosts
    const started = await startTracker(on(tracker, stage), flagsOf(tracker))
    this.#tracker = started.address
    this.#running.push(started.tracker)
    for (const [i, host] of owners.entries()) {
      const folder = await nodeFolder(this.#dir, `Owner${i}`)
      await link(source, join(folder, basename(source)))
      await writeFile(join(folder, SMALL.file), pseudoRandomBytes(SMALL.bytes, SMALL.file))
      const owner = await startNode(on(host, stage), `Owner${i}`, this.#dir, this.#tracker, flagsOf(host))
      await upload(owner, [SMALL.file, basename(source)], stage.signal)
      this.#running.push(owner)
    }
  }

  async prepare (): Promise<void> {
    const { stage } = this.#arena
    const { downloader } = this.#hosts
    this.#node = await startNode(on(downloader, stage), 'Downloader', this.#dir, this.#tracker, flagsOf(downloader))
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  }

  async run (): Promise<LinkMeasurement> {
    const smallSeconds = await this.#fetch(SMALL.file)
    const seconds = await this.#fetch(basename(this.#arena.source))
    return { seconds, smallSeconds, processorSeconds: undefined, peakBytes: undefined }
  }

  async tidy (): Promise<void> {
    if (this.#node) await leave(this.#node)
    for (const left of [SMALL.file, '.piecemeal']) await rm(join(this.#dir, 'Downloader', left), { recursive: true, force: true })
  }

  async #fetch (file: string): Promise<number> {
    if (this.#node === undefined) throw new Error('not prepared')
    const startMs = performance.now()
    await download(this.#node, [file], this.#arena.stage.signal)
    return (performance.now() - startMs) / 1_000
  }
}

abstract class LinkHttp implements Contestant<LinkMeasurement> {
  abstract readonly name: string
  readonly targets: readonly string[]
  readonly #arena: Arena
  readonly #downloader: Host
  readonly #servers: Nginx[]

  constructor (arena: Arena, hosts: Hosts, id: string, owners: readonly Host[]) {
    this.#arena = arena
    this.#downloader = hosts.downloader
    this.#servers = owners.map((host) => new Nginx(arena.stage, { name: `${id}-${host.name}`, ports: 1, root: dirname(arena.source), host }))
    this.targets = [join(dirname(arena.source), `${id}-target`)]
  }

  abstract available (): string | undefined
  protected abstract argv (urls: readonly string[], target: string): [string, ...string[]]

  async start (): Promise<void> {
    for (const server of this.#servers) await server.start()
  }

  async run (): Promise<LinkMeasurement> {
    const urls = this.#servers.flatMap(({ origins }) => origins).map((origin) => `${origin}/${basename(this.#arena.source)}`)
    const [target = ''] = this.targets
    return await runToEnd(this.#downloader.argv(this.argv(urls, target)), this.#arena.stage.signal)
  }
}

/** One stream from the owner with the fastest link. */
export class LinkCurl extends LinkHttp {
  readonly name = 'curl'

  constructor (arena: Arena, hosts: Hosts) {
    super(arena, hosts, 'curl', hosts.owners.slice(-1))
  }

  available (): string | undefined {
    return hintUnlessFound(['nginx', 'curl'], 'apt-get install nginx curl')
  }

  protected argv ([url = '']: readonly string[], target: string): [string, ...string[]] {
    return ['curl', '--silent', '--show-error', '--fail', '--output', target, url]
  }
}

/** As many streams from each owner as piecemeal has in all. */
export class LinkAria2 extends LinkHttp {
  readonly name = 'aria2'

  constructor (arena: Arena, hosts: Hosts) {
    super(arena, hosts, 'aria2', hosts.owners)
  }

  available (): string | undefined {
    return ARIA2.available()
  }

  protected argv (urls: readonly string[], target: string): [string, ...string[]] {
    return [
      ...ARIA2.argv, '--max-connection-per-server=8', `--split=${8 * urls.length}`, '--min-split-size=1M',
      '--dir', dirname(target), '--out', basename(target), ...urls,
    ]
  }
}

/** The folder of what one link is measured with. */
export async function linkFolder (stage: Stage, name: string): Promise<string> {
  const folder = join(stage.folder, name)
  await mkdir(folder)
  return folder
}

function on (host: Host, stage: Stage): Starter {
  return { start: (argv) => stage.start(host.argv(argv)), signal: stage.signal }
}

function flagsOf (host: Host): string[] {
  return ['--host', host.address, '--insecure']
}
