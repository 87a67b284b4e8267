/** What a secret costs: the same file from the same number of owners with one and without, beside scp with the same cipher. */
import type { Stage } from '../demo/stage.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { ownersProcessor, piecemealOfIt, processor, processorInAll, tableOf, timesOf, wallTime } from './columns.js'
import { Piecemeal } from './piecemeal.js'
import { compare, TIME } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { Scp } from './scp.js'

const SIZE = 1_024 ** 3
const OWNERS = 2
/** What a secret may cost, in times of the time without. */
const MOST_OF_PLAIN = 1.25

export async function tls (stage: Stage, { rounds, size = SIZE, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const arena = await makeArena(stage, size)
  const plain = new Piecemeal(arena, { owners: OWNERS })
  const secret = new Piecemeal(arena, { owners: OWNERS, hasSecret: true })
  const scp = new Scp(arena)
  const { runs, notes } = await runRounds([plain, secret, scp], {
    name: 'tls', rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena),
  })
  return {
    title: `${formatBytes(size)} with a secret and without, interleaved, ${count(rounds, 'round')}; "piecemeal of it": ${secret.name} in times of that row`,
    table: tableOf(runs, [wallTime, timesOf('plain', runs, plain), piecemealOfIt(runs, secret), processor('downloader'), ownersProcessor('owners'), processorInAll]),
    notes,
    ratios: [
      { theirs: plain, ask: { atMost: MOST_OF_PLAIN } },
      { theirs: scp },
    ].map((other) => compare({ what: `${formatBytes(size)} from ${OWNERS} owners, with a secret`, runs, ours: secret, quantity: TIME, ...other })),
    data: allFigures(runs),
  }
}
