/** How a swarm fares that no machine here could hold: simulated nodes with real schedules, beside the time that no swarm can beat. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import pLimit from 'p-limit'
import type { Stage } from '../demo/stage.js'
import { chooseSeed } from '../helpers/seed.js'
import { GiB } from '../../lib/protocol/units.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { PIECE_BYTES, RATE, SCENARIOS, type Simulated, type Simulation } from './swarm-scenarios.js'

/** Pieces that all nodes together fetch, unless a size is given: more of them take long. */
const PIECES_FETCHED = 640_000
const MEMORY_MIB = 6_144
/** What is new is collected less often: little of it lives, but it is much. */
const YOUNG_MIB = 192

export async function simulator (stage: Stage, { size, nodes, scenarios, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const seed = chooseSeed()
  const pieceCount = Math.max(1, Math.ceil((size ?? sizeFor(nodes)) / PIECE_BYTES))
  const limit = pLimit(availableParallelism())
  const chosen = SCENARIOS.map(({ what }, scenario) => ({ what, scenario })).filter(({ scenario }) => scenarios?.includes(scenario + 1) ?? true)
  const simulated = await Promise.all(chosen.map(async ({ what, scenario }) => await limit(async () => {
    const simulated = await inThread({ scenario, nodes, pieceCount, seed }, stage.signal)
    say(`simulator: ${what}, ${simulated.seconds.toFixed(0)} s`)
    return { what, ...simulated }
  })))
  return {
    title: `Simulated: ${nodes} nodes, ${formatBytes(pieceCount * PIECE_BYTES)} in pieces of ${formatBytes(PIECE_BYTES)}, one owner, each ${formatBytes(RATE * 1_000)} a second up and down, seed ${seed}`,
    table: [
      ['nodes', 'median, of the bound', '99 of 100', 'last', 'copies the owner sent', 'fetched twice', 'E_BUSY', 'failed', 'simulated in'],
      ...simulated.map(rowOf),
    ],
    notes: [`PIECEMEAL_SEED=${seed} repeats it. The bound: the file at the slower of the owner's and the node's rate, and a piece at the owner's rate for each doubling of the nodes.`],
    ratios: simulated.flatMap(({ what, ratios }) => ([['time of the median node', 0.5], ['time of 99 of 100 nodes', 0.99]] as const).map(([quantity, share]) => ({
      what: `${nodes} simulated nodes, ${formatBytes(pieceCount * PIECE_BYTES)}: ${what}`, quantity, ours: 'piecemeal', unit: 'times the bound', values: [at(ratios, share)],
    }))),
    data: { seed, results: simulated.map(({ what, result, seconds }) => ({ what, ...result, seconds })) },
  }
}

/** 1 GiB, or less for so many nodes that it would take too long. */
function sizeFor (nodes: number): number {
  return Math.min(GiB, Math.ceil(PIECES_FETCHED / nodes) * PIECE_BYTES)
}

async function inThread (simulation: Simulation, signal: AbortSignal): Promise<Simulated> {
  signal.throwIfAborted()
  const worker = new Worker(new URL('./simulator-thread.js', import.meta.url), { workerData: simulation, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB, maxYoungGenerationSizeMb: YOUNG_MIB } })
  const stop = (): void => { void worker.terminate() }
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<Simulated>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the simulation was stopped')))
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function rowOf ({ what, result, ratios, seconds }: Simulated & { what: string }): string[] {
  return [
    what, ...[0.5, 0.99, 1].map((share) => at(ratios, share).toFixed(2)), result.seedCopies.toFixed(2), `${(100 * result.excess).toFixed(1)} %`,
    String(result.busy), String(result.failures), `${seconds.toFixed(0)} s`,
  ]
}

/** Of the nodes in the order in which they had it, the one that this share of them was no slower than. */
function at (ratios: readonly number[], share: number): number {
  return ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))] ?? NaN
}
