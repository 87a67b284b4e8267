/** How far down it goes: the least that Node has to do for a file from two streams, digested and on the disk, with no network around it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from '../demo/command.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { difference, peakBytes, processorSeconds, sum } from './processes.js'

const SERVERS = 2
const PROGRAM = fileURLToPath(new URL('./floor-peer.js', import.meta.url))

export class Floor implements Contestant {
  readonly name = `the least in Node, ${SERVERS} streams`
  readonly targets: readonly [string]
  readonly #arena: Arena
  readonly #servers: Command[] = []
  readonly #ports: string[] = []
  #fetching: Command | undefined

  constructor (arena: Arena) {
    this.#arena = arena
    this.targets = [join(arena.stage.folder, 'floor')]
  }

  available (): undefined {
    return undefined
  }

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    for (let i = 0; i < SERVERS; i++) {
      const server = stage.start([process.execPath, PROGRAM, 'serve', source])
      this.#ports.push(...await server.read(1, stage.signal, (line) => /^serving (\d+)$/.exec(line)?.[1]))
      this.#servers.push(server)
    }
  }

  async prepare (): Promise<void> {
    const { stage, size } = this.#arena
    this.#fetching = stage.start([process.execPath, PROGRAM, 'fetch', this.targets[0], String(size)])
    await this.#fetching.read(1, stage.signal, (line) => line === 'ready' || undefined)
  }

  async run (): Promise<Measurement> {
    const fetching = this.#fetching
    if (fetching === undefined) throw new Error('not prepared')
    const [before, serversBefore] = [processorSeconds(fetching.pid), this.#used()]
    const startMs = performance.now()
    const done = fetching.read(1, this.#arena.stage.signal, (line) => line === 'done' || undefined)
    fetching.type(this.#ports.join(' '))
    await done
    return {
      seconds: (performance.now() - startMs) / 1_000,
      processorSeconds: difference(processorSeconds(fetching.pid), before),
      ownersProcessorSeconds: difference(this.#used(), serversBefore),
      peakBytes: peakBytes(fetching.pid),
    }
  }

  async tidy (): Promise<void> {
    await this.#fetching?.stop()
    this.#fetching = undefined
  }

  #used (): number | undefined {
    return sum(this.#servers.map(({ pid }) => processorSeconds(pid)))
  }
}
