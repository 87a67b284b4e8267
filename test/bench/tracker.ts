/** How much a tracker answers, while its nodes ask as fast as it lets them. */
import type { Stage } from '../demo/stage.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { tableOf, type Column } from './columns.js'
import { compare, figure, type Quantity } from './ratios.js'
import { allFigures, runRounds } from './rounds.js'
import { knownMedian, medianRatio, orUnknown, spread } from './statistics.js'
import { trackerMemory } from './tracker-memory.js'
import { BittorrentTracker, Opentracker, PiecemealTracker, type TrackerMeasurement } from './trackers.js'

const CONNECTIONS = [1, 100, 1_000]
const IN_FLIGHT = 16
/** The one that others are compared with: as many owners in an answer as fit. */
const FULL = { owners: 50, connections: 50 }
const WHAT = `a tracker that names ${FULL.owners} owners, ${FULL.connections} connections`
const ANSWERS: Quantity<TrackerMeasurement> = { name: 'answers a second (more is better)', unit: 'a second', of: perSecond }
const ANSWERS_OF_PROCESSOR: Quantity<TrackerMeasurement> = { name: 'answers for a second of its processor time (more is better)', unit: 'a second', of: perProcessorSecond }
const LEAST_ANSWERS = 100_000

export async function tracker (stage: Stage, { rounds, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const full = new PiecemealTracker(stage, { mode: 'need', ...FULL, inFlight: IN_FLIGHT })
  const others = (['http', 'udp'] as const).flatMap((kind) => [new BittorrentTracker(stage, kind), new Opentracker(stage, kind)])
  const { runs, notes } = await runRounds([
    full,
    ...CONNECTIONS.map((connections) => new PiecemealTracker(stage, { mode: 'have', owners: 0, connections, inFlight: IN_FLIGHT })),
    ...CONNECTIONS.map((connections) => new PiecemealTracker(stage, { mode: 'need', owners: 1, connections, inFlight: IN_FLIGHT })),
    ...others,
  ], { name: 'tracker', rounds, say, tell: (measurement) => `${thousands(perSecond(measurement))} a second` })
  const ours = runs.get(full) ?? []
  const memory = await trackerMemory(stage, say)
  return {
    title: `Answers of a tracker, in thousands, interleaved, ${count(rounds, 'round')}; "piecemeal of it": ${full.name} in times of that row`,
    table: [...tableOf(runs, [
      { heading: 'a second', cell: (measurements) => spreadOf(measurements.map(perSecond)) },
      { heading: 'piecemeal of it', cell: (measurements) => medianRatio(ours.map(perSecond), measurements.map(perSecond)).toFixed(2) },
      { heading: 'a processor second of the tracker', cell: (measurements) => orUnknown(knownMedian(measurements.map(perProcessorSecond)), thousands) },
      { heading: 'piecemeal of it', cell: (measurements) => orUnknown(processorRatio(ours, measurements), (ratio) => ratio.toFixed(2)) },
      { heading: 'most memory', cell: (measurements) => orUnknown(knownMedian(measurements.map(({ peakBytes }) => peakBytes)), formatBytes) },
    ] satisfies Array<Column<TrackerMeasurement>>), ...memory.map(({ what, residentBytes, bytesEach }) => [`piecemeal, ${what}`, '', '', '', '', `${formatBytes(residentBytes)}, ${count(Math.round(bytesEach), 'byte')} each`])],
    notes,
    ratios: [
      figure({ what: WHAT, runs, ours: full, quantity: ANSWERS, ask: { atLeast: LEAST_ANSWERS } }),
      ...others.map((theirs) => compare({ what: WHAT, runs, ours: full, theirs, quantity: ANSWERS })),
      ...others.map((theirs) => compare({ what: WHAT, runs, ours: full, theirs, quantity: ANSWERS_OF_PROCESSOR })),
    ],
    data: { rounds: allFigures(runs), memory },
  }
}

function perSecond ({ answers, seconds }: TrackerMeasurement): number {
  return answers / seconds
}

/** What it could answer if it had a core for itself: client and tracker share the machine, and the slower one of them sets the pace. */
function perProcessorSecond ({ answers, processorSeconds }: TrackerMeasurement): number | undefined {
  return processorSeconds === undefined ? undefined : answers / processorSeconds
}

function processorRatio (ours: readonly TrackerMeasurement[], theirs: readonly TrackerMeasurement[]): number | undefined {
  const [mine, others] = [ours.map(perProcessorSecond), theirs.map(perProcessorSecond)]
  const isKnown = (value: number | undefined): value is number => value !== undefined
  return mine.every(isKnown) && others.every(isKnown) ? medianRatio(mine, others) : undefined
}

function thousands (number: number): string {
  return `${(number / 1_000).toFixed(1)} k`
}

function spreadOf (numbers: readonly number[]): string {
  return spread(numbers.map((number) => number / 1_000), 'k', 1)
}
