/** How a swarm fares that no machine here could hold: simulated nodes with real schedules, beside the time that no swarm can beat. */
import type { Stage } from '../demo/stage.js'
import { chooseSeed, seededRandom } from '../helpers/seed.js'
import { GiB, MiB } from '../../lib/protocol/limits.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Swarm, type SwarmNode, type SwarmResult } from './swarm-model.js'

const PIECE_BYTES = MiB
/** Of the first owner and of a node, bytes a millisecond, up and down alike: 50 MiB a second. */
const RATE = 50 * MiB / 1_000
const SLOW_RATE = RATE / 4
const DELAY_MS = { least: 0.5, most: 2.5 }
const LEAVING = 0.05

type Random = () => number

interface Scenario {
  what: string
  /** Node `i` of so many; `boundMs` is what the whole file takes at full rate. */
  node: (i: number, nodes: number, boundMs: number, random: Random) => Partial<SwarmNode>
}

const SCENARIOS: readonly Scenario[] = [
  { what: 'equal nodes, all at once', node: () => ({}) },
  { what: 'every fourth with a quarter of the rate', node: (i) => i % 4 === 0 ? { up: SLOW_RATE, down: SLOW_RATE } : {} },
  { what: 'flash crowd: a tenth, the others half a file later', node: (i, _nodes, boundMs) => ({ startMs: i % 10 === 0 ? 0 : boundMs / 2 }) },
  { what: 'one after another, in the time of two files', node: (i, nodes, boundMs) => ({ startMs: 2 * boundMs * i / nodes }) },
  {
    what: 'all at once, 5 % leave on the way',
    node: (_i, _nodes, boundMs, random) => random() < LEAVING ? { leaveMs: boundMs * (0.25 + random() / 2) } : {},
  },
]

export async function simulator (stage: Stage, { size = GiB, nodes, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const seed = chooseSeed()
  const pieceCount = Math.max(1, Math.ceil(size / PIECE_BYTES))
  const rows: string[][] = []
  const data: unknown[] = []
  for (const scenario of SCENARIOS) {
    stage.signal.throwIfAborted()
    const startMs = performance.now()
    const { result, ratios } = simulate(scenario, nodes, pieceCount, seededRandom(seed))
    const seconds = (performance.now() - startMs) / 1_000
    say(`simulator: ${scenario.what}, ${seconds.toFixed(0)} s`)
    const at = (share: number): string => ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))]?.toFixed(2) ?? '?'
    rows.push([
      scenario.what, at(0.5), at(0.99), at(1), result.seedCopies.toFixed(2), `${(100 * result.excess).toFixed(1)} %`,
      String(result.busy), String(result.failures), `${seconds.toFixed(0)} s`,
    ])
    data.push({ what: scenario.what, ...result, seconds })
  }
  return {
    title: `Simulated: ${nodes} nodes, ${formatBytes(pieceCount * PIECE_BYTES)} in pieces of ${formatBytes(PIECE_BYTES)}, one owner, each ${formatBytes(RATE * 1_000)} a second up and down, seed ${seed}`,
    table: [['nodes', 'median, of the bound', '99 of 100', 'last', 'copies the owner sent', 'fetched twice', 'E_BUSY', 'failed', 'simulated in'], ...rows],
    notes: [`PIECEMEAL_SEED=${seed} repeats it. The bound: the file at the slower of the owner's and the node's rate, and a piece for each doubling of the nodes.`],
    data: { seed, results: data },
  }
}

/** @returns with it how long each node took, in bounds of its own, sorted */
function simulate ({ node }: Scenario, nodes: number, pieceCount: number, random: Random): { result: SwarmResult, ratios: number[] } {
  const delayMs = (): number => DELAY_MS.least + random() * (DELAY_MS.most - DELAY_MS.least)
  const pieces = pieceCount + Math.ceil(Math.log2(nodes))
  const boundMs = pieces * PIECE_BYTES / RATE
  const members = Array.from({ length: nodes }, (_, i): SwarmNode => ({ up: RATE, down: RATE, delayMs: delayMs(), startMs: 0, ...node(i, nodes, boundMs, random) }))
  const result = new Swarm({ pieceCount, pieceBytes: PIECE_BYTES, seed: { up: RATE, down: RATE, delayMs: delayMs() }, nodes: members, random }).run()
  const ratios = result.tookMs.flatMap((ms, i) => ms === undefined ? [] : [ms / (pieces * PIECE_BYTES / Math.min(RATE, members[i]?.down ?? RATE))])
  return { result, ratios: ratios.sort((a, b) => a - b) }
}
