/** One large file from several owners to one node, beside others that do the same, each in turn. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../demo/stage.js'
import { sha256, writePseudoRandom } from '../helpers/files.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import type { Arena, Contestant, Measurement } from './contestant.js'
import { Copy } from './copy.js'
import { Aria2, Curl } from './http.js'
import { Piecemeal } from './piecemeal.js'
import { knownMedian, median, orUnknown, spread } from './statistics.js'

/** Another peer is one more file and one more line here. */
function contestants (arena: Arena): Contestant[] {
  return [
    new Copy(arena, { isSynced: false }),
    new Copy(arena, { isSynced: true }),
    new Piecemeal(arena, 2),
    new Piecemeal(arena, 4),
    new Curl(arena),
    new Aria2(arena, { isChecked: false }),
    new Aria2(arena, { isChecked: true }),
  ]
}

type Runs = Map<Contestant, Measurement[]>

export async function transfer (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  return await compete('transfer', stage, options, contestants)
}

/** Lets contestants move the same file in turns; the first is what the others are compared with. */
export async function compete (
  benchmark: string, stage: Stage, { rounds, size, say }: BenchmarkOptions, contestants: (arena: Arena) => Contestant[]
): Promise<BenchmarkResult> {
  const source = join(stage.folder, `${benchmark}.bin`)
  await writePseudoRandom(source, size)
  // Reading it all puts it into the page cache as well.
  const arena: Arena = { stage, source, size, sha256: await sha256(source) }

  const all = contestants(arena)
  const skipped = new Map(all.map((contestant) => [contestant, contestant.available()]))
  const ready = all.filter((contestant) => skipped.get(contestant) === undefined)
  for (const contestant of ready) await contestant.layOut?.()
  for (const contestant of ready) await contestant.start?.()

  const runs: Runs = new Map(ready.map((contestant) => [contestant, []]))
  const first = ready[0]
  if (first) await runOnce(first, arena, undefined)
  let previous = first
  for (let round = 0; round < rounds; round++) {
    for (const contestant of rotate(ready, round)) {
      const measurement = await runOnce(contestant, arena, previous)
      runs.get(contestant)?.push(measurement)
      previous = contestant
      say(`${benchmark}, round ${round + 1} of ${rounds}: ${contestant.name} ${measurement.seconds.toFixed(2)} s`)
    }
  }
  return {
    title: `${formatBytes(size)} to one downloader, ${rounds} interleaved rounds`,
    table: table(runs),
    notes: all.flatMap((contestant) => {
      const hint = skipped.get(contestant)
      return hint === undefined ? [] : [`skipped: ${contestant.name} (${hint})`]
    }),
    data: [...runs].map(([{ name }, measurements]) => ({ name, measurements })),
  }
}

/**
 * A run. What the one before left goes immediately before it: memory that has just been freed is at
 * hand, and a second later it would not be.
 *
 * @throws if what came is not what was sent.
 */
async function runOnce (contestant: Contestant, { sha256: wanted, size }: Arena, previous: Contestant | undefined): Promise<Measurement> {
  await contestant.prepare?.()
  if (previous) await rm(previous.target, { force: true })
  const measurement = await contestant.run()
  if ((await stat(contestant.target)).size !== size || await sha256(contestant.target) !== wanted) {
    throw new Error(`${contestant.name} made something else of the file`)
  }
  await contestant.tidy?.()
  return measurement
}

/** Nobody always follows the same one. */
function rotate<T> (items: readonly T[], by: number): T[] {
  const at = by % Math.max(1, items.length)
  return [...items.slice(at), ...items.slice(0, at)]
}

function table (runs: Runs): string[][] {
  const [[first, reference] = [undefined, []]] = runs
  const rows = [...runs].map(([{ name }, measurements]) => {
    const ratios = measurements.map(({ seconds }, round) => seconds / (reference[round]?.seconds ?? NaN))
    return [
      name,
      spread(measurements.map(({ seconds }) => seconds), 's', 2),
      median(ratios).toFixed(2),
      orUnknown(knownMedian(measurements.map(({ processorSeconds }) => processorSeconds)), (seconds) => `${seconds.toFixed(2)} s`),
      measurements[0] && 'ownersProcessorSeconds' in measurements[0]
        ? orUnknown(knownMedian(measurements.map(({ ownersProcessorSeconds }) => ownersProcessorSeconds)), (seconds) => `${seconds.toFixed(2)} s`)
        : '',
      orUnknown(knownMedian(measurements.map(({ peakBytes }) => peakBytes)), formatBytes),
    ]
  })
  return [['what', 'wall time', `of ${first?.name}`, 'processor, downloader', 'processor, owners', 'most memory, downloader'], ...rows]
}
