/** A disk that is slower than the network, or as fast: what is fetched gets there while it comes, or all of it at the end. The disk is a file of a FUSE file system, with ext4 on it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../demo/stage.js'
import { mountSlow } from '../field/mounts.js'
import { GiB, MiB } from '../../lib/protocol/units.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { assertSame, makeArena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { ownersProcessor, processor, tableOf, wallTime } from './columns.js'
import type { Measurement } from './contestant.js'
import { Copy } from './copy.js'
import { Curl } from './http.js'
import { Piecemeal } from './piecemeal.js'
import { compare, figure, TIME } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { parseSize } from './sizes.js'

const SIZE = 256 * MiB
/** A second, of the disk, and of a network that is no faster. */
const RATE = '50M'
const DISK_BYTES = 4 * GiB
/** What is asked of the time, in times of `cp` and sync. */
const MOST_OF_COPY = 1.1

export async function slowDisk (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  const size = options.size ?? SIZE
  const what = `${formatBytes(size)} to a disk of ${RATE}/s`
  const title = `${what}, interleaved, ${count(options.rounds, 'round')}`
  const folder = join(stage.folder, 'slow')
  await mkdir(folder)
  const cleanings: Array<() => unknown> = []
  try {
    const hint = await mountDisk(stage, folder, cleanings)
    if (hint === undefined) return { title, ...await race(stage, folder, size, what, options) }
    return { title, table: [], notes: [`skipped: ${hint}`], ratios: [{ what, quantity: TIME.name, ours: 'piecemeal', theirs: 'cp, then sync', values: [], skipped: hint }], data: [] }
  } finally {
    for (const clean of cleanings) await clean()
  }
}

/** @returns why it can't be, and how to have it */
async function mountDisk ({ folder: dir }: Stage, mountPoint: string, cleanings: Array<() => unknown>): Promise<string | undefined> {
  try {
    await mountSlow({ teardown: (clean) => cleanings.unshift(clean) }, { dir, mountPoint }, DISK_BYTES, parseSize(RATE))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

async function race (stage: Stage, folder: string, size: number, what: string, { rounds, say }: BenchmarkOptions): Promise<Omit<BenchmarkResult, 'title'>> {
  const arena = await makeArena(stage, size)
  const piecemeal = new Piecemeal(arena, { owners: 2, downloadersDir: folder })
  const limited = new Piecemeal(arena, { owners: 1, up: RATE, downloadersDir: folder })
  const copy = new Copy(arena, { isSynced: true, folder })
  const curl = new Curl(arena, { isSynced: true, folder, limit: RATE })
  const { runs, notes } = await runRounds([piecemeal, limited, copy, curl], {
    name: 'slow-disk', rounds, say, tell: tellSeconds, check: async (contestant) => await assertSame(contestant, arena),
  })
  const diskSeconds = size / parseSize(RATE)
  const ofDisk = { name: `time, in times of the disk's (${diskSeconds.toFixed(2)} s)`, unit: 'times', of: ({ seconds }: Measurement) => seconds / diskSeconds }
  return {
    table: tableOf(runs, [wallTime, processor('downloader'), ownersProcessor('owners')]),
    notes,
    ratios: [
      compare({ what, runs, ours: piecemeal, theirs: copy, quantity: TIME, ask: { atMost: MOST_OF_COPY } }),
      compare({ what, runs, ours: limited, theirs: curl, quantity: TIME }),
      figure({ what, runs, ours: piecemeal, quantity: ofDisk }),
      figure({ what, runs, ours: limited, quantity: ofDisk }),
    ],
    data: allFigures(runs),
  }
}
