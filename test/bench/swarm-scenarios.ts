/** What is simulated: the nodes of a swarm, and how long each of them takes, in bounds of its own. */
import { MiB } from '../../lib/protocol/units.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'
import { seededRandom } from '../helpers/seed.js'
import { Swarm, type SwarmNode, type SwarmResult } from './swarm-model.js'

export const PIECE_BYTES = MiB
/** Of the first owner and of a node, bytes a millisecond, up and down alike: 50 MiB a second. */
export const RATE = 50 * MiB / 1_000
const SLOW_RATE = RATE / 4
/** Of three classes of links, bytes a millisecond: 10, 100 and 1,000 Mbit a second. The owner is of the fastest class. */
const CLASSES = [1_250, 12_500, 125_000]
const DELAY_MS = { least: 0.5, most: 2.5 }
const LEAVING = 0.05

type Random = () => number

interface Scenario {
  what: string
  /** Of the owner, up and down. @default RATE */
  seedRate?: number
  /** Node `i` of so many; `boundMs` is what the whole file takes at full rate. */
  node: (i: number, nodes: number, boundMs: number, random: Random) => Partial<SwarmNode>
}

export const SCENARIOS: readonly Scenario[] = [
  { what: 'equal nodes, all at once', node: () => ({}) },
  { what: 'every fourth with a quarter of the rate', node: (i) => i % 4 === 0 ? { up: SLOW_RATE, down: SLOW_RATE } : {} },
  { what: 'flash crowd: a tenth, the others half a file later', node: (i, _nodes, boundMs) => ({ startMs: i % 10 === 0 ? 0 : boundMs / 2 }) },
  { what: 'one after another, in the time of two files', node: (i, nodes, boundMs) => ({ startMs: 2 * boundMs * i / nodes }) },
  {
    what: 'all at once, 5 % leave on the way',
    node: (_i, _nodes, boundMs, random) => random() < LEAVING ? { leaveMs: boundMs * (0.25 + random() / 2) } : {},
  },
  {
    what: 'links of 10, 100 and 1,000 Mbit a second, 5 % leave on the way',
    seedRate: Math.max(...CLASSES),
    node: (i, _nodes, boundMs, random) => {
      const rate = CLASSES[i % CLASSES.length] ?? RATE
      const ownBoundMs = boundMs * Math.max(...CLASSES) / rate
      return { up: rate, down: rate, ...(random() < LEAVING && { leaveMs: ownBoundMs * (0.25 + random() / 2) }) }
    },
  },
]

export interface Simulation {
  /** Which of `SCENARIOS`. */
  scenario: number
  nodes: number
  pieceCount: number
  seed: number
  /** Other numbers than the default ones. */
  policy?: Partial<SchedulePolicy>
}

export interface Simulated {
  result: SwarmResult
  ratios: number[]
  seconds: number
}

/** @returns with it how long each node took, in bounds of its own, sorted */
export function simulate ({ scenario, nodes, pieceCount, seed, policy = {} }: Simulation): Simulated {
  const startMs = performance.now()
  const random = seededRandom(seed)
  const { node = () => ({}), seedRate = RATE } = SCENARIOS[scenario] ?? {}
  const delayMs = (): number => DELAY_MS.least + random() * (DELAY_MS.most - DELAY_MS.least)
  const pieces = pieceCount + Math.ceil(Math.log2(nodes))
  const boundMs = pieces * PIECE_BYTES / seedRate
  const members = Array.from({ length: nodes }, (_, i): SwarmNode => ({ up: RATE, down: RATE, delayMs: delayMs(), startMs: 0, ...node(i, nodes, boundMs, random) }))
  const result = new Swarm({ pieceCount, pieceBytes: PIECE_BYTES, seed: { up: seedRate, down: seedRate, delayMs: delayMs() }, nodes: members, policy, random }).run()
  const boundOf = (down: number): number => pieceCount * PIECE_BYTES / Math.min(seedRate, down) + (pieces - pieceCount) * PIECE_BYTES / seedRate
  const ratios = result.tookMs.flatMap((ms, i) => ms === undefined ? [] : [ms / boundOf(members[i]?.down ?? RATE)])
  return { result, ratios: ratios.sort((a, b) => a - b), seconds: (performance.now() - startMs) / 1_000 }
}
