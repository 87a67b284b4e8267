/** A fresh node's gateway, which is asked for a file that another node has. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { CURL } from './gateway-servers.js'
import { leave } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { hintUnlessFound, measured, runToEnd } from './processes.js'

const NAME = 'Gate'

export class ComingFile implements Contestant {
  readonly name: string
  readonly targets: readonly string[]
  readonly #arena: Arena
  readonly #tracker: string
  readonly #range: string | undefined
  readonly #dir: string
  #node: Command | undefined
  #url = ''

  /** @param range of the file, as `curl -r` has it; otherwise all of it */
  constructor (arena: Arena, name: string, { tracker, range }: { tracker: string, range?: string }) {
    this.#arena = arena
    this.name = name
    this.#tracker = tracker
    this.#range = range
    this.#dir = join(arena.stage.folder, name.replace(/\W+/g, '-'))
    this.targets = [join(this.#dir, NAME)]
  }

  available (): string | undefined {
    return hintUnlessFound(['curl'], 'apt-get install curl')
  }

  async prepare (): Promise<void> {
    const { stage } = this.#arena
    const node = await startGateway(this.#arena.stage, ['bin/node', '-n', NAME, '-t', this.#tracker, '-d', this.#dir, '--json', '--http', '0'])
    this.#node = node.command
    this.#url = node.url
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  }

  async run (): Promise<Measurement> {
    const { stage, source } = this.#arena
    const argv: [string, ...string[]] = [...CURL, ...(this.#range === undefined ? [] : ['--range', this.#range]), '--output', '/dev/null', `${this.#url}files/${basename(source)}`]
    return await measured(this.#node, async () => (await runToEnd(argv, stage.signal)).seconds)
  }

  async tidy (): Promise<void> {
    if (this.#node) await leave(this.#node)
    this.#node = undefined
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** A node with `--json` that is connected, and where its HTTP port is. */
export async function startGateway (stage: Arena['stage'], argv: [string, ...string[]]): Promise<{ command: Command, url: string }> {
  const command = stage.start(argv)
  const events = await command.read(2, stage.signal, (line) => {
    const event = line.startsWith('{') ? JSON.parse(line) as { event: string, url?: string } : undefined
    return event?.event === 'http' || event?.event === 'connected' ? event : undefined
  })
  return { command, url: events.find(({ event }) => event === 'http')?.url ?? '' }
}
