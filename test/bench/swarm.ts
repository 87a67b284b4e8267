/** One owner, and several downloaders that start together: the time until all of them have the file. */
import type { Stage } from '../demo/stage.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Libtorrent } from './bittorrent.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, processorInAll, tableOf, timesOf, wallTime, type Column } from './columns.js'
import type { Measurement } from './contestant.js'
import { Curl } from './http.js'
import { Piecemeal } from './piecemeal.js'
import { compare, figure, TIME } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { parseSize } from './sizes.js'
import { knownMedian, orUnknown } from './statistics.js'

const SIZE = 256 * 1_024 ** 2
const DOWNLOADERS = 8
/** What the owner of one row may send a second. */
const LIMIT = '50M'
/** What is asked of the time: in times of as many curl, and, under the owner's limit, of one copy's. */
const MOST_OF_CURL = 2
const MOST_COPIES = 1.35

export async function swarm (stage: Stage, { rounds, size = SIZE, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, size)
  const piecemeal = new Piecemeal(arena, { owners: 1, downloaders: DOWNLOADERS })
  const limited = new Piecemeal(arena, { owners: 1, downloaders: DOWNLOADERS, up: LIMIT })
  const curl = new Curl(arena, { downloaders: DOWNLOADERS })
  const libtorrent = new Libtorrent(arena, { seeders: 1, leechers: DOWNLOADERS })
  const { runs, notes } = await runRounds(
    [piecemeal, limited, curl, libtorrent],
    { name: 'swarm', rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena) }
  )
  const what = `${formatBytes(size)} from one owner to ${DOWNLOADERS} downloaders`
  const oneCopySeconds = size / parseSize(LIMIT)
  const ofOneCopy = { name: `time, in copies at that limit (${oneCopySeconds.toFixed(2)} s each)`, unit: 'copies', of: ({ seconds }: Measurement) => seconds / oneCopySeconds }
  return {
    title: `${what}, interleaved, ${count(rounds, 'round')}; "piecemeal of it": ${piecemeal.name} in times of that row`,
    table: tableOf(runs, [
      wallTime, ...(runs.has(curl) ? [timesOf('curl', runs, curl)] : []), piecemealOfIt(runs, piecemeal),
      processor('downloaders'), ownersProcessor('owner'), processorInAll, mostMemory('a downloader'), copiesSent(size),
    ]),
    notes,
    ratios: [
      compare({ what, runs, ours: piecemeal, theirs: curl, quantity: TIME, ask: { atMost: MOST_OF_CURL } }),
      compare({ what, runs, ours: piecemeal, theirs: libtorrent, quantity: TIME }),
      figure({ what: `${what}, the owner at ${LIMIT}/s`, runs, ours: limited, quantity: ofOneCopy, ask: { atMost: MOST_COPIES } }),
    ],
    data: allFigures(runs),
  }
}

/** How often the owner sent the file. */
function copiesSent (size: number): Column {
  return {
    heading: 'sent by the owner',
    cell: (measurements) => orUnknown(knownMedian(measurements.map(({ sentBytes }) => sentBytes)), (bytes) => `${(bytes / size).toFixed(2)} copies`),
  }
}
