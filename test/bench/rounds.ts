/** Interleaved rounds: every contestant has its turn in each, in another order each time. */
import { rm } from 'node:fs/promises'
import type { Contestant, Measurement } from './contestant.js'

export interface RoundsOptions<M> {
  /** Of the benchmark. */
  name: string
  rounds: number
  /** Tells how far it has come. */
  say: (line: string) => void
  /** What is told of one run. */
  tell: (measurement: M) => string
  /** Looks at what a run made, outside of its time. @throws if it is not right. */
  check?: (contestant: Contestant<M>) => Promise<void>
}

/** The measurements of each, a round at the same place in all of them. */
export type Runs<M = Measurement> = Map<Contestant<M>, M[]>

export interface Outcome<M> {
  runs: Runs<M>
  /** Of those who could not take part, and how to have them. */
  notes: string[]
}

export async function runRounds<M> (all: ReadonlyArray<Contestant<M>>, options: RoundsOptions<M>): Promise<Outcome<M>> {
  const { name, rounds, say, tell } = options
  const hints = all.map((contestant) => contestant.available())
  const ready = all.filter((_, i) => hints[i] === undefined)
  const notes = all.flatMap((contestant, i) => hints[i] === undefined ? [] : [`skipped: ${contestant.name} (${hints[i]})`])
  for (const contestant of ready) await contestant.layOut?.()
  for (const contestant of ready) await contestant.start?.()

  const runs: Runs<M> = new Map(ready.map((contestant) => [contestant, []]))
  // The first run of all finds a machine that has been doing something else, and does not count.
  let previous = ready[0]
  if (previous) await runOnce(previous, undefined, options)
  for (let round = 0; round < rounds; round++) {
    for (const contestant of orderOf(ready, round)) {
      const measurement = await runOnce(contestant, previous, options)
      runs.get(contestant)?.push(measurement)
      previous = contestant
      say(`${name}, round ${round + 1} of ${rounds}: ${contestant.name} ${tell(measurement)}`)
    }
  }
  return { runs, notes }
}

/** Every single figure, as it goes into the results. */
export function allFigures<M> (runs: Runs<M>): Array<{ name: string, measurements: M[] }> {
  return [...runs].map(([{ name }, measurements]) => ({ name, measurements }))
}

export function tellSeconds ({ seconds }: Measurement): string {
  return `${seconds.toFixed(2)} s`
}

/**
 * A run. What the one before left goes immediately before it: memory that has just been freed is at
 * hand, and a second later it would not be. Only a contestant's own has to go before it prepares.
 */
async function runOnce<M> (contestant: Contestant<M>, previous: Contestant<M> | undefined, { check }: RoundsOptions<M>): Promise<M> {
  if (previous === contestant) await clear(previous)
  await contestant.prepare?.()
  if (previous && previous !== contestant) await clear(previous)
  const measurement = await contestant.run()
  await check?.(contestant)
  await contestant.tidy?.()
  return measurement
}

async function clear<M> ({ targets }: Contestant<M>): Promise<void> {
  for (const target of targets) await rm(target, { recursive: true, force: true })
}

/** Nobody is always the first, nor always after the same one: rounds go forwards and backwards in turn. */
function orderOf<T> (items: readonly T[], round: number): T[] {
  const at = round % Math.max(1, items.length)
  const order = [...items.slice(at), ...items.slice(0, at)]
  return round % 2 === 0 ? order : order.toReversed()
}
