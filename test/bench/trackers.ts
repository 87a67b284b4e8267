/** Trackers that are kept busy, each by a process of its own that counts their answers. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import { count } from '../../lib/ui/format.js'
import type { Contestant } from './contestant.js'
import { INFO_HASH } from './load/announces.js'
import type { Load, LoadResult } from './load/load.js'
import { freePorts } from './ports.js'
import { startTracker } from './nodes.js'
import { hintUnlessInstalled } from './packages.js'
import { hintUnlessFound, peakBytes } from './processes.js'

export interface TrackerMeasurement extends LoadResult {
  /** The most memory that the tracker has had so far. */
  peakBytes: number | undefined
}

/** Announces of the BitTorrent trackers; few at a time on each UDP port, for what does not fit into a socket's buffer is lost. */
const ANNOUNCING = { connections: 50, udpInFlight: 2, httpInFlight: 16 }
const READY_MS = 200
/** Prometheus asks every 15 s and more. */
const SCRAPE_MS = 1_000

type Unbound<L> = L extends Load ? Omit<L, 'port'> : never

abstract class BusyTracker implements Contestant<TrackerMeasurement> {
  readonly targets = []
  readonly #load: Unbound<Load>
  protected readonly stage: Stage
  #running: { command: Command, port: number } | undefined

  constructor (stage: Stage, readonly name: string, load: Unbound<Load>) {
    this.stage = stage
    this.#load = load
  }

  abstract available (): string | undefined
  protected abstract listen (kind: Load['kind']): Promise<{ command: Command, port: number }>

  async start (): Promise<void> {
    this.#running = await this.listen(this.#load.kind)
  }

  async run (): Promise<TrackerMeasurement> {
    if (this.#running === undefined) throw new Error('not started')
    const { command: { pid }, port } = this.#running
    const program = fileURLToPath(new URL('./load/load.js', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify({ pid, load: { ...this.#load, port } })], { signal: this.stage.signal })
    const result = JSON.parse(stdout) as LoadResult
    if (result.answers === 0) throw new Error(`${this.name} did not answer`)
    return { ...result, peakBytes: peakBytes(pid) }
  }
}

export class PiecemealTracker extends BusyTracker {
  readonly #isRead: boolean

  /** @param isRead whether it has an HTTP port, and its metrics are read every second: counted is with it and without */
  constructor (stage: Stage, { mode, owners, connections, inFlight, isRead = false }: { mode: 'have' | 'need', owners: number, connections: number, inFlight: number, isRead?: boolean }) {
    const what = mode === 'have' ? mode : `${mode}, ${count(owners, 'owner')} in the answer`
    super(stage, `piecemeal, ${what}, ${count(connections, 'connection')}${isRead ? ', its metrics read every second' : ''}`, { kind: 'messages', mode, owners, connections, inFlight })
    this.#isRead = isRead
  }

  available (): undefined {
    return undefined
  }

  protected async listen (): Promise<{ command: Command, port: number }> {
    if (!this.#isRead) {
      const { address, tracker } = await startTracker(this.stage)
      return { command: tracker, port: portIn(address) }
    }
    const command = this.stage.start(['bin/tracker', '-p', '0', '--http', '0'])
    const [address = '', url = ''] = await command.read(2, this.stage.signal, (line) => / listening on (.+)$/.exec(line)?.[1])
    const reading = setInterval(() => { void fetch(`${url}metrics`, { signal: this.stage.signal }).then(async (answer) => await answer.text()).catch(() => {}) }, SCRAPE_MS)
    command.once('exit', () => clearInterval(reading))
    return { command, port: portIn(address) }
  }
}

function portIn (address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

/** A tracker in Node. */
export class BittorrentTracker extends BusyTracker {
  constructor (stage: Stage, kind: 'http' | 'udp') {
    const { connections, httpInFlight, udpInFlight } = ANNOUNCING
    super(stage, `bittorrent-tracker, ${kind.toUpperCase()} announce, 50 peers in the answer`, kind === 'http'
      ? { kind, connections, inFlight: httpInFlight, keepsAlive: true }
      : { kind, connections, inFlight: udpInFlight })
  }

  available (): string | undefined {
    return hintUnlessInstalled('bittorrent-tracker/server')
  }

  protected async listen (kind: Load['kind']): Promise<{ command: Command, port: number }> {
    const command = this.stage.start([process.execPath, fileURLToPath(new URL('./bittorrent-tracker-server.js', import.meta.url))])
    const [ports = []] = await command.read(1, this.stage.signal, (line) => /^listening (\d+) (\d+)$/.exec(line)?.slice(1))
    return { command, port: Number(ports[kind === 'http' ? 0 : 1]) }
  }
}

/** A tracker in C. It closes a connection with its answer. */
export class Opentracker extends BusyTracker {
  constructor (stage: Stage, kind: 'http' | 'udp') {
    const { connections, udpInFlight } = ANNOUNCING
    super(stage, `opentracker, ${kind.toUpperCase()} announce, 50 peers in the answer`, kind === 'http'
      ? { kind, connections, inFlight: 1, keepsAlive: false }
      : { kind, connections, inFlight: udpInFlight })
  }

  available (): string | undefined {
    return hintUnlessFound(['opentracker'], 'apt-get install opentracker')
  }

  protected async listen (kind: Load['kind']): Promise<{ command: Command, port: number }> {
    const folder = join(this.stage.folder, `opentracker-${kind}`)
    await mkdir(folder)
    await writeFile(join(folder, 'whitelist'), `${INFO_HASH}\n`)
    const [port = 0] = await freePorts(1)
    // Started by root it makes the folder its root and becomes nobody, otherwise it stays where it is.
    const whitelist = process.getuid?.() === 0 ? 'whitelist' : join(folder, 'whitelist')
    const command = this.stage.start(['opentracker', '-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', folder, '-w', whitelist])
    // It says nothing; a load that comes too early fails.
    await sleep(READY_MS, undefined, { signal: this.stage.signal })
    if (command.hasExited) throw new Error('opentracker did not start')
    return { command, port }
  }
}
