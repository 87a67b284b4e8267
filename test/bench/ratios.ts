/**
 * The rows of the one table that `npm run bench` ends with: what a benchmark says of this project beside
 * another program, or against what is asked of it. Each benchmark returns some, made by `compare` and `figure`.
 */
import { GiB, MiB } from '../../lib/protocol/units.js'
import type { Contestant, Measurement } from './contestant.js'
import type { Runs } from './rounds.js'
import { sum } from './processes.js'
import { median } from './statistics.js'

/** What is asked of the median. */
export type Ask = { atMost: number } | { atLeast: number }

export interface Ratio {
  /** What is done, as `1 GiB from 2 owners`; rows of the same stand together. */
  what: string
  /** What of it is measured, as `time`. */
  quantity: string
  ours: string
  /** Undefined where the figure is ours alone. */
  theirs?: string
  /** A value a round: ours in times of theirs, or ours alone, in `unit`. Empty where it was skipped. */
  values: number[]
  unit?: string
  ask?: Ask
  /** Why there are no values, and how to have them. */
  skipped?: string
}

/** What can be read off a measurement; undefined where the system does not tell. */
export interface Quantity<M = Measurement> {
  name: string
  unit: string
  of: (measurement: M) => number | undefined
}

export const TIME: Quantity = { name: 'time', unit: 's', of: ({ seconds }) => seconds }
/** Of any one who fetched. */
export const MEMORY: Quantity = { name: 'most memory', unit: 'MiB', of: ({ peakBytes }) => peakBytes === undefined ? undefined : peakBytes / MiB }

/** Of all who fetched and all who served, for each GiB of the file. */
export function processorOfGiB (size: number): Quantity {
  return {
    name: 'processor for 1 GiB, both sides',
    unit: 's',
    of: ({ processorSeconds, ownersProcessorSeconds = 0 }) => {
      const seconds = sum([processorSeconds, ownersProcessorSeconds])
      return seconds === undefined ? undefined : seconds * GiB / size
    },
  }
}

export interface Comparison<M> {
  what: string
  runs: Runs<M>
  ours: Contestant<M>
  theirs: Contestant<M>
  quantity: Quantity<M>
  ask?: Ask
}

/** Ours in times of theirs, within each round. One who did not take part makes a row that says so. */
export function compare<M> ({ what, runs, ours, theirs, quantity, ask }: Comparison<M>): Ratio {
  const row = { what, quantity: quantity.name, ours: ours.name, theirs: theirs.name, ask }
  const references = valuesOf(runs, theirs, quantity)
  return completed(row, valuesOf(runs, ours, quantity).map((value, round) => value / (references[round] ?? NaN)), [ours, theirs])
}

/** A quantity of ours that stands for itself. */
export function figure<M> ({ what, runs, ours, quantity, ask }: Omit<Comparison<M>, 'theirs'>): Ratio {
  const row = { what, quantity: quantity.name, ours: ours.name, unit: quantity.unit, ask }
  return completed(row, valuesOf(runs, ours, quantity), [ours])
}

/** Undefined where nothing is asked, or nothing was measured. */
export function isMet ({ ask, values }: Ratio): boolean | undefined {
  if (ask === undefined || values.length === 0) return undefined
  return 'atMost' in ask ? median(values) <= ask.atMost : median(values) >= ask.atLeast
}

function valuesOf<M> (runs: Runs<M>, contestant: Contestant<M>, { of }: Quantity<M>): number[] {
  return (runs.get(contestant) ?? []).map((measurement) => of(measurement) ?? NaN)
}

function completed<M> (row: Omit<Ratio, 'values'>, values: number[], contestants: ReadonlyArray<Contestant<M>>): Ratio {
  if (values.length > 0 && values.every(Number.isFinite)) return { ...row, values }
  const hint = contestants.map((contestant) => contestant.available()).find((hint) => hint !== undefined)
  return { ...row, values: [], skipped: hint ?? 'this system does not tell' }
}
