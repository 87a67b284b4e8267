/**
 * `npm run bench [-- transfer|tls|small|start]… [--rounds N] [--size BYTES] [--dir DIR]`: measures the
 * built commands and writes the figures to the screen and, every single one, to `bench-results/`.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import minimist from 'minimist'
import { Stage } from '../demo/stage.js'
import { ROOT } from '../helpers/command.js'
import { small } from './small.js'
import { start } from './start.js'
import { markdown } from './statistics.js'
import { tls } from './tls.js'
import { transfer } from './transfer.js'

export interface BenchmarkOptions {
  rounds: number
  /** Bytes of the large file. */
  size: number
  /** Tells how far it has come. */
  say: (line: string) => void
}

export interface BenchmarkResult {
  title: string
  /** The first row is the heading. */
  table: string[][]
  /** Of what was left out, and how to have it. */
  notes: string[]
  /** Every single figure. */
  data: unknown
}

type Benchmark = (stage: Stage, options: BenchmarkOptions) => Promise<BenchmarkResult>

const BENCHMARKS = new Map<string, Benchmark>(Object.entries({ transfer, tls, small, start }))
const DEADLINE_MS = 60 * 60_000

interface Arguments {
  names: string[]
  rounds: number
  size: number
  dir: string | undefined
}

function parseArguments (argv: string[]): Arguments {
  const { _: names, rounds, size, dir } = minimist(argv, {
    string: ['rounds', 'size', 'dir'],
    default: { rounds: '5', size: String(1_024 ** 3) },
    unknown: (argument) => {
      if (BENCHMARKS.has(argument)) return true
      throw new Error(`${argument} is none of ${[...BENCHMARKS.keys()].join(', ')}, --rounds N, --size BYTES, --dir DIR`)
    },
  }) as { _: string[], rounds: string, size: string, dir?: string }
  return { names: names.length > 0 ? names : [...BENCHMARKS.keys()], rounds: positive('--rounds', rounds), size: positive('--size', size), dir }
}

function positive (flag: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Error(`${flag} wants a number, not ${JSON.stringify(text)}`)
  return Number(text)
}

function machine (): Record<string, unknown> {
  const [processor] = cpus()
  return { processor: processor?.model, cores: cpus().length, memoryBytes: totalmem(), system: `${type()} ${release()}`, node: process.version }
}

async function run ({ names, rounds, size, dir }: Arguments, stage: Stage): Promise<void> {
  const results: Record<string, BenchmarkResult> = {}
  const begun = new Date().toISOString()
  for (const name of names) {
    const result = await BENCHMARKS.get(name)?.(stage, { rounds, size, say: (line) => console.error(line) })
    if (result === undefined) continue
    results[name] = result
    console.log([`\n${result.title}\n`, markdown(result.table), ...result.notes].join('\n'))
  }
  const folder = join(ROOT, 'bench-results')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${begun.replace(/[:.]/g, '-')}-${names.join('-')}.json`)
  await writeFile(file, `${JSON.stringify({ begun, machine: machine(), arguments: { rounds, size, dir }, results }, undefined, 2)}\n`)
  console.log(`\n${Object.entries(machine()).map(([what, value]) => `${what} ${String(value)}`).join(', ')}\nall figures: ${file}`)
}

try {
  const options = parseArguments(process.argv.slice(2))
  const stage = new Stage({ name: 'piecemeal-bench', parent: options.dir, deadlineMs: DEADLINE_MS })
  try {
    await run(options, stage)
  } catch (error) {
    throw stage.signal.aborted ? new Error(`stopped (${(stage.signal.reason as Error).message})`) : error
  } finally {
    await stage.clear()
  }
} catch (error) {
  console.error(`bench failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
