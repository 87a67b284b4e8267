/** How long it takes to share a large file: its digest, and the tracker's word that it is known; beside copying it. */
import { copyFile, link, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena, type Arena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { mostMemory, processor, tableOf, timesOf, wallTime } from './columns.js'
import type { Contestant, Measurement } from './contestant.js'
import { Copy } from './copy.js'
import { leave, nodeFolder, startNode, startTracker, upload as share } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { measured } from './processes.js'
import { compare, TIME } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'

const SIZE = 1_024 ** 3
const NAME = 'Owner'

export async function upload (stage: Stage, { rounds, size = SIZE, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, size)
  const copy = new Copy(arena, { isSynced: false })
  const upload = new Upload(arena)
  const { runs, notes } = await runRounds([copy, upload], {
    name: 'upload', rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena),
  })
  return {
    title: `Sharing a file of ${formatBytes(size)} that is in the page cache, interleaved, ${count(rounds, 'round')}`,
    table: tableOf(runs, [wallTime, timesOf('cp', runs, copy), processor('it'), mostMemory('it')]),
    notes,
    ratios: [compare({ what: `sharing ${formatBytes(size)}`, runs, ours: upload, theirs: copy, quantity: TIME })],
    data: allFigures(runs),
  }
}

class Upload implements Contestant {
  readonly name = 'piecemeal, upload'
  readonly targets = []
  readonly #arena: Arena
  readonly #dir: string
  #tracker = ''
  #node: Command | undefined
  #digest: string | undefined

  constructor (arena: Arena) {
    this.#arena = arena
    this.#dir = join(arena.stage.folder, 'upload')
  }

  available (): undefined {
    return undefined
  }

  async start (): Promise<void> {
    this.#tracker = (await startTracker(this.#arena.stage)).address
  }

  /** A folder of its own for each run: a node keeps the digests of files that it knows. */
  async prepare (): Promise<void> {
    const { stage, source } = this.#arena
    const path = join(await nodeFolder(this.#dir, NAME), basename(source))
    await link(source, path).catch(async () => await copyFile(source, path))
    this.#node = await startNode(stage, NAME, this.#dir, this.#tracker)
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  }

  async run (): Promise<Measurement> {
    const { stage, source } = this.#arena
    return await measured(this.#node, async (node) => {
      const startMs = performance.now()
      const [shared] = await share(node, [basename(source)], stage.signal)
      const seconds = (performance.now() - startMs) / 1_000
      this.#digest ??= shared?.digest
      if (shared?.digest !== this.#digest) throw new Error(`${shared?.digest} is not ${this.#digest}`)
      return seconds
    })
  }

  async tidy (): Promise<void> {
    if (this.#node) await leave(this.#node)
    this.#node = undefined
    await rm(this.#dir, { recursive: true, force: true })
  }
}
