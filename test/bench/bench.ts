/**
 * `npm run bench [-- NAME…] [--rounds N] [--size BYTES] [--owners N,…] [--nodes N] [--minutes N] [--quick] [--dir DIR]`:
 * measures the built commands, or simulates a swarm, and writes the figures to the screen and, every single one, to `bench-results/`.
 * It ends with one table of ratios; `npm run bench -- --readme` puts that of the last whole runs into the documents.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import minimist from 'minimist'
import { Stage } from '../demo/stage.js'
import { ROOT } from '../helpers/command.js'
import { folders } from './folders.js'
import { gateway } from './gateway.js'
import { links } from './links.js'
import { parseSize } from './sizes.js'
import { keepLatest, publish } from './ratio-file.js'
import { shortfalls, wholeTable } from './ratio-table.js'
import type { Ratio } from './ratios.js'
import { schedule } from './schedule.js'
import { simulator } from './simulator.js'
import { slowDisk } from './slow-disk.js'
import { small } from './small.js'
import { soak } from './soak.js'
import { sparse } from './sparse.js'
import { stall } from './stall.js'
import { start } from './start.js'
import { markdown } from './statistics.js'
import { swarm } from './swarm.js'
import { tls } from './tls.js'
import { tracker } from './tracker.js'
import { large, transfer } from './transfer.js'
import { upload } from './upload.js'

export interface BenchmarkOptions {
  rounds: number
  /** Bytes of the large file; undefined for what the benchmark is meant for. */
  size: number | undefined
  /** From how many owners piecemeal fetches it, one row each. */
  owners: readonly number[]
  /** Of the simulated swarm. */
  nodes: number
  /** Of the soak. */
  minutes: number
  /** A tenth of the small files and of the folders. */
  quick: boolean
  /** Tells how far it has come. */
  say: (line: string) => void
}

export interface BenchmarkResult {
  title: string
  /** The first row is the heading. */
  table: string[][]
  /** Of what was left out, and how to have it. */
  notes: string[]
  /** Its rows of the one table at the end. */
  ratios: Ratio[]
  /** Every single figure. */
  data: unknown
}

type Benchmark = (stage: Stage, options: BenchmarkOptions) => Promise<BenchmarkResult>

const BENCHMARKS = new Map<string, Benchmark>(Object.entries({ transfer, large, tls, upload, sparse, 'slow-disk': slowDisk, small, folders, start, stall, tracker, gateway, swarm, schedule, simulator, links, soak }))
/** One takes as long as it is told to, one wants root: they are run by their names alone. */
const ONLY_BY_NAME = new Set(['links', 'soak'])
/** Of one benchmark. */
const DEADLINE_MS = 60 * 60_000

/** With fewer rounds, or less than a benchmark is meant for, its rows are not what the documents tell. */
const WHOLE_ROUNDS = 5

interface Arguments extends Omit<BenchmarkOptions, 'say'> {
  names: string[]
  /** Measure nothing, publish what was measured. */
  readme: boolean
  dir: string | undefined
}

function parseArguments (argv: string[]): Arguments {
  const { _: names, rounds, size, owners, nodes, minutes, quick, dir, readme } = minimist(argv, {
    boolean: ['readme', 'quick'],
    string: ['rounds', 'size', 'owners', 'nodes', 'minutes', 'dir'],
    default: { rounds: '5', owners: '2,4', nodes: '300', minutes: '30' },
    unknown: (argument) => {
      if (BENCHMARKS.has(argument)) return true
      throw new Error(`${argument} is none of ${[...BENCHMARKS.keys()].join(', ')}, --rounds N, --size BYTES (or 64M, 4G), --owners N,…, --nodes N, --minutes N, --quick, --dir DIR, --readme`)
    },
  }) as { _: string[], rounds: string, size?: string, owners: string, nodes: string, minutes: string, quick: boolean, dir?: string, readme: boolean }
  return {
    names: names.length > 0 ? names : [...BENCHMARKS.keys()].filter((name) => !ONLY_BY_NAME.has(name)),
    rounds: positive('--rounds', rounds),
    size: size === undefined ? undefined : parseSize(size),
    owners: owners.split(',').map((count) => positive('--owners', count)),
    nodes: positive('--nodes', nodes),
    minutes: positive('--minutes', minutes),
    quick,
    dir,
    readme,
  }
}

function positive (flag: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`${flag} wants a number, not ${JSON.stringify(text)}`)
  return Number(text)
}

function machine (): Record<string, unknown> {
  const [processor] = cpus()
  return { processor: processor?.model, cores: cpus().length, memoryBytes: totalmem(), system: `${type()} ${release()}`, node: process.version }
}

/**
 * On a stage of its own: nothing of a benchmark is left running beside the next.
 *
 * @returns why it failed, where it did: the others are measured all the same
 * @throws where a signal says that nothing is to be measured any more.
 */
async function runOne (benchmark: Benchmark, { dir, ...options }: Omit<Arguments, 'names' | 'readme'>): Promise<BenchmarkResult | Error> {
  const stage = new Stage({ name: 'piecemeal-bench', parent: dir, deadlineMs: DEADLINE_MS })
  try {
    return await benchmark(stage, { ...options, say: (line) => console.error(line) })
  } catch (error) {
    if (!stage.signal.aborted) return error instanceof Error ? error : new Error(String(error))
    throw new Error(`stopped (${(stage.signal.reason as Error).message})`)
  } finally {
    await stage.clear()
  }
}

async function run ({ names, readme, ...settings }: Arguments): Promise<void> {
  if (readme) return console.log(`written: ${(await publish()).join(', ')}`)
  const results: Record<string, BenchmarkResult> = {}
  const failures: string[] = []
  const begun = new Date().toISOString()
  for (const name of names) {
    const benchmark = BENCHMARKS.get(name)
    if (benchmark === undefined) continue
    const result = await runOne(benchmark, settings)
    if (result instanceof Error) {
      failures.push(`failed: ${name} (${result.message})`)
      console.error(failures.at(-1))
      continue
    }
    results[name] = result
    console.log([`\n${result.title}\n`, markdown(result.table), ...(result.notes.length > 0 ? ['', ...result.notes] : [])].join('\n'))
    if (settings.rounds >= WHOLE_ROUNDS && settings.size === undefined && !settings.quick) {
      await keepLatest({ benchmark: name, begun, machine: machine(), ratios: result.ratios }, [...BENCHMARKS.keys()])
    }
  }
  const ratios = Object.values(results).flatMap(({ ratios }) => ratios)
  console.log(['\nRatios, each of one interleaved run\n', markdown(wholeTable(ratios)), '', ...shortfalls(ratios), ...failures].join('\n'))
  const folder = join(ROOT, 'bench-results')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${begun.replace(/[:.]/g, '-')}-${names.join('-')}.json`)
  await writeFile(file, `${JSON.stringify({ begun, machine: machine(), arguments: settings, results, failures }, undefined, 2)}\n`)
  console.log(`\n${Object.entries(machine()).map(([what, value]) => `${what} ${String(value)}`).join(', ')}\nall figures: ${file}`)
  if (failures.length > 0) process.exitCode = 1
}

try {
  await run(parseArguments(process.argv.slice(2)))
} catch (error) {
  console.error(`bench failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
