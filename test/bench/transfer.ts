/** One large file from several owners to one node, beside others that do the same, each in turn. */
import type { Stage } from '../demo/stage.js'
import { GiB } from '../../lib/protocol/units.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena, type Arena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Libtorrent, Webtorrent } from './bittorrent.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, processorInAll, tableOf, timesOf, wallTime } from './columns.js'
import type { Contestant } from './contestant.js'
import { Copy } from './copy.js'
import { Floor } from './floor.js'
import { Aria2, Curl } from './http.js'
import { Piecemeal } from './piecemeal.js'
import { compare, figure, MEMORY, processorOfGiB, TIME, type Ask, type Ratio } from './ratios.js'
import { allFigures, runRounds, tellSeconds, type Runs } from './rounds.js'

/** The number of owners that the asks are for. */
const REFERENCE_OWNERS = 2
/** What is asked: in times of `cp` and of curl, both with a sync; seconds of all processors for a GiB; MiB of the downloader. */
const ASKED = { copyAtMost: 1.2, curlAtMost: 0.9, processorAtMost: 1.7, memoryAtMost: 120 }

interface Rival {
  contestant: Contestant
  ask?: Ask
}

/** All of them, at 1 GiB. */
export async function transfer (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, options.size ?? GiB)
  const { owners } = options
  return await race(arena, options, [
    { contestant: new Copy(arena, { isSynced: false }) },
    ...synced(arena),
    { contestant: new Curl(arena) },
    { contestant: new Aria2(arena, { isChecked: false }) },
    { contestant: new Aria2(arena, { isChecked: true }) },
    { contestant: new Libtorrent(arena, { seeders: 2 }) },
    { contestant: new Webtorrent(arena, { seeders: 2 }) },
    { contestant: new Piecemeal(arena, { owners: REFERENCE_OWNERS, flags: ['--separate-parts'] }) },
    ...owners.filter((owners) => owners !== REFERENCE_OWNERS).map((owners) => ({ contestant: new Piecemeal(arena, { owners }) })),
  ])
}

/** 4 GiB, which not all of them could do in the time. */
export async function large (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, options.size ?? 4 * GiB)
  return await race(arena, options, synced(arena))
}

/** Those that wait for the disk as a download does. */
function synced (arena: Arena): Rival[] {
  return [
    { contestant: new Copy(arena, { isSynced: true }), ask: { atMost: ASKED.copyAtMost } },
    { contestant: new Curl(arena, { isSynced: true }), ask: { atMost: ASKED.curlAtMost } },
    { contestant: new Floor(arena) },
  ]
}

async function race (arena: Arena, { rounds, say }: BenchmarkOptions, rivals: readonly Rival[]): Promise<BenchmarkResult> {
  const { size } = arena
  const piecemeal = new Piecemeal(arena, { owners: REFERENCE_OWNERS })
  const [first] = rivals
  const { runs, notes } = await runRounds([piecemeal, ...rivals.map(({ contestant }) => contestant)], {
    name: `transfer of ${formatBytes(size)}`, rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena),
  })
  return {
    title: `${formatBytes(size)} to one downloader, interleaved, ${count(rounds, 'round')}; "piecemeal of it": ${piecemeal.name} in times of that row`,
    table: tableOf(runs, [
      wallTime, ...(first ? [timesOf(first.contestant.name, runs, first.contestant)] : []), piecemealOfIt(runs, piecemeal),
      processor('downloader'), ownersProcessor('owners'), processorInAll, mostMemory('downloader'),
    ]),
    notes,
    ratios: ratiosOf(runs, piecemeal, rivals, size),
    data: allFigures(runs),
  }
}

function ratiosOf (runs: Runs, ours: Contestant, rivals: readonly Rival[], size: number): Ratio[] {
  const what = `${formatBytes(size)} from ${REFERENCE_OWNERS} owners`
  return [
    ...rivals.map(({ contestant: theirs, ask }) => compare({ what, runs, ours, theirs, quantity: TIME, ask })),
    figure({ what, runs, ours, quantity: processorOfGiB(size), ask: { atMost: ASKED.processorAtMost } }),
    ...rivals.flatMap(({ contestant: theirs }) => theirs instanceof Floor ? [compare({ what, runs, ours, theirs, quantity: processorOfGiB(size) })] : []),
    figure({ what, runs, ours, quantity: MEMORY, ask: { atMost: ASKED.memoryAtMost } }),
  ]
}
