/**
 * Figures that are counted whether or not anybody reads them: a few nanoseconds each, and no package.
 * Every value that a label can have is there from the start, at 0: what is born at 1 never seems to grow.
 */

export interface Sample {
  labels: Record<string, string>
  value: number
  /** If it is another than the measure's. */
  name?: string
}

export interface Measure {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  samples: () => Sample[] | Promise<Sample[]>
}

export interface Named {
  name: string
  help: string
}

/** Label → each value that it can have. */
export type Labels = Record<string, readonly string[]>

/** Counts by the values of labels, or alone. */
export class Counter implements Measure {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly #cells = new Map<string, Sample>()

  constructor ({ name, help, labels = {} }: Named & { labels?: Labels }) {
    this.name = name
    this.help = help
    for (const sample of combinations(labels)) this.#cells.set(keyOf(Object.values(sample.labels)), sample)
  }

  /** @param values of its labels, in their order; a value that is none of them is not counted */
  add (by: number, ...values: string[]): void {
    const cell = this.#cells.get(keyOf(values))
    if (cell) cell.value += by
  }

  samples (): Sample[] {
    return [...this.#cells.values()]
  }
}

/** What is so at the moment that it is asked for. */
export class Gauge implements Measure {
  readonly type = 'gauge'
  readonly name: string
  readonly help: string
  readonly #read: Measure['samples']

  /** @param read a number, or one for each value of the label; undefined where it is not known */
  constructor ({ name, help, label = '', read }: Named & { label?: string, read: () => Reading | Promise<Reading> }) {
    this.name = name
    this.help = help
    this.#read = async () => samplesOf(await read(), label)
  }

  async samples (): Promise<Sample[]> {
    return await this.#read()
  }
}

type Reading = number | Record<string, number> | undefined

/** How many were how large. */
export class Histogram implements Measure {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  /** @param bounds of its buckets, the lowest first */
  constructor ({ name, help, bounds }: Named & { bounds: readonly number[] }) {
    this.name = name
    this.help = help
    this.#bounds = bounds
    this.#counts = Array<number>(bounds.length + 1).fill(0)
  }

  observe (value: number): void {
    let bucket = 0
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  samples (): Sample[] {
    let count = 0
    const buckets = this.#counts.map((more, i) => {
      count += more
      return { name: `${this.name}_bucket`, labels: { le: String(this.#bounds[i] ?? '+Inf') }, value: count }
    })
    return [...buckets, { name: `${this.name}_sum`, labels: {}, value: this.#sum }, { name: `${this.name}_count`, labels: {}, value: count }]
  }
}

function combinations (labels: Labels): Sample[] {
  let all: Sample[] = [{ labels: {}, value: 0 }]
  for (const [label, values] of Object.entries(labels)) all = all.flatMap((sample) => values.map((value) => ({ labels: { ...sample.labels, [label]: value }, value: 0 })))
  return all
}

function keyOf (values: readonly string[]): string {
  // To join them took longer than all the rest of counting.
  let key = values[0] ?? ''
  for (let i = 1; i < values.length; i++) key += ` ${values[i]}`
  return key
}

function samplesOf (reading: Reading, label: string): Sample[] {
  if (reading === undefined) return []
  if (typeof reading === 'number') return [{ labels: {}, value: reading }]
  return Object.entries(reading).map(([value, number]) => ({ labels: { [label]: value }, value: number }))
}
