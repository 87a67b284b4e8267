/**
 * BitTorrent programs: seeders that serve, and for each run fresh leechers that are idle and know
 * nothing of the torrent. A program is one that does this:
 *
 *     PROGRAM make SOURCE TORRENT     makes a torrent of pieces of 1 MiB with SHA-1 digests, and ends;
 *                                     with `v2` behind it one with SHA-256 digests, as it is made of folders
 *     PROGRAM seed TORRENT FOLDER     says "seeding PORT"; answers each line with "sent BYTES", so far
 *     PROGRAM leech TORRENT FOLDER    says "ready PORT"; a line of ports makes it fetch from there, until it
 *                                     has all pieces checked and written and says "done"
 *
 * Peers are told of each other; nobody looks for any, and nothing is encrypted.
 */
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from '../demo/command.js'
import { ROOT } from '../helpers/command.js'
import { count } from '../../lib/ui/format.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { hintUnlessInstalled } from './packages.js'
import { difference, most, peakBytes, processorSeconds, runToEnd, sum } from './processes.js'

export interface BitTorrentOptions {
  seeders: number
  /** They start together and serve each other. @default 1 */
  leechers?: number
  /** Of the torrent: in the second pieces end where files do, and digests are SHA-256. @default 1 */
  version?: 1 | 2
  /** Why it does not take part, though it could. */
  leftOut?: string | undefined
}

interface Peer {
  command: Command
  port: string
}

abstract class BitTorrent implements Contestant {
  readonly name: string
  readonly targets: readonly string[]
  readonly #arena: Pick<Arena, 'stage' | 'source'>
  readonly #folder: string
  readonly #seederCount: number
  readonly #version: 1 | 2
  readonly #seeders: Peer[] = []
  #leechers: Peer[] = []

  constructor (program: string, arena: Pick<Arena, 'stage' | 'source'>, { seeders, leechers = 1, version = 1 }: BitTorrentOptions) {
    this.#version = version
    this.name = [version === 1 ? program : `${program}, v2`, ...(leechers > 1 ? [count(leechers, 'leecher')] : []), count(seeders, 'seeder')].join(', ')
    this.#arena = arena
    this.#folder = join(arena.stage.folder, program)
    this.#seederCount = seeders
    this.targets = Array.from({ length: leechers }, (_, i) => join(this.#folder, `leecher-${i + 1}`, basename(arena.source)))
  }

  abstract available (): string | undefined
  protected abstract argv (): [string, ...string[]]

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    for (const target of this.targets) await mkdir(dirname(target), { recursive: true })
    await runToEnd([...this.argv(), 'make', source, this.#torrent, ...(this.#version === 1 ? [] : ['v2'])], stage.signal)
    for (let i = 0; i < this.#seederCount; i++) this.#seeders.push(await this.#startPeer('seed', dirname(source)))
  }

  async prepare (): Promise<void> {
    this.#leechers = await Promise.all(this.targets.map(async (target) => await this.#startPeer('leech', dirname(target))))
  }

  async run (): Promise<Measurement> {
    const { signal } = this.#arena.stage
    const [before, seedersBefore, sentBefore] = [used(this.#leechers), used(this.#seeders), await this.#sent()]
    const startMs = performance.now()
    await Promise.all(this.#leechers.map(async (leecher) => {
      const done = leecher.command.read(1, signal, (line) => line === 'done' || undefined)
      leecher.command.type([...this.#seeders, ...this.#leechers].filter((peer) => peer !== leecher).map(({ port }) => port).join(' '))
      await done
    }))
    return {
      seconds: (performance.now() - startMs) / 1_000,
      processorSeconds: difference(used(this.#leechers), before),
      ownersProcessorSeconds: difference(used(this.#seeders), seedersBefore),
      peakBytes: most(this.#leechers.map(({ command }) => peakBytes(command.pid))),
      sentBytes: difference(await this.#sent(), sentBefore),
    }
  }

  async tidy (): Promise<void> {
    await Promise.all(this.#leechers.map(async ({ command }) => await command.stop()))
    this.#leechers = []
  }

  get #torrent (): string {
    return join(this.#folder, 'source.torrent')
  }

  async #startPeer (role: 'seed' | 'leech', folder: string): Promise<Peer> {
    const { stage } = this.#arena
    const command = stage.start([...this.argv(), role, this.#torrent, folder])
    const [port = ''] = await command.read(1, stage.signal, (line) => /^(?:seeding|ready) (\d+)$/.exec(line)?.[1])
    return { command, port }
  }

  async #sent (): Promise<number | undefined> {
    return sum(await Promise.all(this.#seeders.map(async ({ command }) => {
      const sent = command.read(1, this.#arena.stage.signal, (line) => /^sent (\d+)$/.exec(line)?.[1])
      command.type('')
      return Number((await sent)[0])
    })))
  }
}

function used (peers: readonly Peer[]): number | undefined {
  return sum(peers.map(({ command }) => processorSeconds(command.pid)))
}

/** The library in C++ that most BitTorrent programs are made with. */
export class Libtorrent extends BitTorrent {
  readonly #leftOut: string | undefined
  /** The one that distributions package it for need not be the first on the PATH. */
  readonly #python = ['python3', '/usr/bin/python3'].find((python) => spawnSync(python, ['-c', 'import libtorrent'], { stdio: 'ignore' }).status === 0)

  constructor (arena: Pick<Arena, 'stage' | 'source'>, options: BitTorrentOptions) {
    super('libtorrent', arena, options)
    this.#leftOut = options.leftOut
  }

  available (): string | undefined {
    return this.#leftOut ?? (this.#python === undefined ? 'apt-get install python3-libtorrent' : undefined)
  }

  protected argv (): [string, ...string[]] {
    return [this.#python ?? '', join(ROOT, 'test/bench/libtorrent-peer.py')]
  }
}

/** BitTorrent in Node. */
export class Webtorrent extends BitTorrent {
  constructor (arena: Arena, options: BitTorrentOptions) {
    super('webtorrent', arena, options)
  }

  available (): string | undefined {
    return hintUnlessInstalled('webtorrent')
  }

  protected argv (): [string, ...string[]] {
    return [process.execPath, fileURLToPath(new URL('./webtorrent-peer.js', import.meta.url))]
  }
}
