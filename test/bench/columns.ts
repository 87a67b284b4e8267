/** The columns of a table of contestants: what is told of one contestant's measurements. */
import { formatBytes } from '../../lib/ui/format.js'
import type { Contestant, Measurement } from './contestant.js'
import { sum } from './processes.js'
import type { Runs } from './rounds.js'
import { knownMedian, medianRatio, orUnknown, spread } from './statistics.js'

export interface Column<M = Measurement> {
  heading: string
  cell: (measurements: readonly M[]) => string
}

/** A row a contestant; the first row is the heading. */
export function tableOf<M> (runs: Runs<M>, columns: ReadonlyArray<Column<M>>): string[][] {
  return [
    ['what', ...columns.map(({ heading }) => heading)],
    ...[...runs].map(([{ name }, measurements]) => [name, ...columns.map(({ cell }) => measurements.length > 0 ? cell(measurements) : '')]),
  ]
}

export const wallTime: Column = {
  heading: 'wall time',
  cell: (measurements) => spread(measurements.map(({ seconds }) => seconds), 's', 2),
}

/** How many times as long as `reference` it took, within a round. */
export function timesOf (what: string, runs: Runs, reference: Contestant): Column {
  const references = secondsOf(runs.get(reference) ?? [])
  return { heading: `of ${what}`, cell: (measurements) => medianRatio(secondsOf(measurements), references).toFixed(2) }
}

/** The other way round: piecemeal's time in terms of each, which is what its aims are put in. */
export function piecemealOfIt (runs: Runs, piecemeal: Contestant): Column {
  const ours = secondsOf(runs.get(piecemeal) ?? [])
  return { heading: 'piecemeal of it', cell: (measurements) => medianRatio(ours, secondsOf(measurements)).toFixed(2) }
}

export function processor (who: string): Column {
  return processorColumn(who, 'processorSeconds')
}

export function ownersProcessor (who: string): Column {
  return processorColumn(who, 'ownersProcessorSeconds')
}

/** Of all who fetched and all who served. */
export const processorInAll: Column = {
  heading: 'processor, all',
  cell: (measurements) => orUnknown(
    knownMedian(measurements.map(({ processorSeconds, ownersProcessorSeconds = 0 }) => sum([processorSeconds, ownersProcessorSeconds]))),
    (seconds) => `${seconds.toFixed(2)} s`
  ),
}

export function mostMemory (who: string): Column {
  return { heading: `most memory, ${who}`, cell: (measurements) => orUnknown(knownMedian(measurements.map(({ peakBytes }) => peakBytes)), formatBytes) }
}

/** Empty where nobody serves. */
function processorColumn (who: string, field: 'processorSeconds' | 'ownersProcessorSeconds'): Column {
  return {
    heading: `processor, ${who}`,
    cell: (measurements) => measurements.some((measurement) => field in measurement)
      ? orUnknown(knownMedian(measurements.map((measurement) => measurement[field])), (seconds) => `${seconds.toFixed(2)} s`)
      : '',
  }
}

function secondsOf (measurements: readonly Measurement[]): number[] {
  return measurements.map(({ seconds }) => seconds)
}
