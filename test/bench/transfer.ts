/** One large file from several owners to one node, beside others that do the same, each in turn. */
import type { Stage } from '../demo/stage.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Libtorrent, Webtorrent } from './bittorrent.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, processorInAll, tableOf, timesOf, wallTime } from './columns.js'
import { Copy } from './copy.js'
import { Aria2, Curl } from './http.js'
import { Piecemeal } from './piecemeal.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'

const SIZE = 1_024 ** 3
/** The one that the aims are for. */
const REFERENCE_OWNERS = 2

export async function transfer (stage: Stage, { rounds, size = SIZE, owners, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, size)
  const copy = new Copy(arena, { isSynced: false })
  const piecemeals = owners.map((owners) => new Piecemeal(arena, { owners }))
  const reference = piecemeals[Math.max(0, owners.indexOf(REFERENCE_OWNERS))]
  // Another peer is one more file and one more line here.
  const { runs, notes } = await runRounds([
    copy,
    new Copy(arena, { isSynced: true }),
    ...piecemeals,
    new Curl(arena),
    new Aria2(arena, { isChecked: false }),
    new Aria2(arena, { isChecked: true }),
    new Libtorrent(arena, { seeders: 2 }),
    new Webtorrent(arena, { seeders: 2 }),
  ], { name: 'transfer', rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena) })
  return {
    title: `${formatBytes(size)} to one downloader, interleaved, ${count(rounds, 'round')}; "piecemeal of it": ${reference?.name} in times of that row`,
    table: tableOf(runs, [
      wallTime, timesOf('cp', runs, copy), ...(reference ? [piecemealOfIt(runs, reference)] : []),
      processor('downloader'), ownersProcessor('owners'), processorInAll, mostMemory('downloader'),
    ]),
    notes,
    ratios: [],
    data: allFigures(runs),
  }
}
