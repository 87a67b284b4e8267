/** How long the commands take to start: from the command to the line that says that they listen. */
import { join } from 'node:path'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { runToEnd } from './processes.js'
import { TIME } from './ratios.js'
import { spread } from './statistics.js'
import { startTracker } from './nodes.js'

const TIMES = 10

export async function start (stage: Stage, { say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const { address, tracker } = await startTracker(stage)
  const dir = join(stage.folder, 'start')
  const seconds = { empty: [] as number[], tracker: [] as number[], node: [] as number[] }
  for (let i = 0; i < TIMES; i++) {
    seconds.empty.push((await runToEnd([process.execPath, '-e', '0'], stage.signal)).seconds)
    seconds.tracker.push(await timeStart(stage, ['bin/tracker', '-p', '0']))
    seconds.node.push(await timeStart(stage, ['bin/node', '-n', 'Node', '-t', address, '-d', dir]))
  }
  await tracker.stop()
  say(`start: ${TIMES} times each`)
  const row = (what: string, values: readonly number[]): string[] => [what, spread(values.map((value) => value * 1_000), 'ms', 0)]
  return {
    title: `From the command to "listening", ${TIMES} times`,
    table: [
      ['what', 'wall time'],
      row('bin/tracker', seconds.tracker),
      row('bin/node, its tracker running', seconds.node),
      row('node -e 0, from start to end', seconds.empty),
    ],
    notes: [],
    ratios: ([['bin/tracker', seconds.tracker], ['bin/node', seconds.node]] as const).map(([ours, values]) => ({
      what: `${ours}, from its start until it listens`, quantity: TIME.name, ours, theirs: 'node -e 0', values: values.map((value, i) => value / (seconds.empty[i] ?? NaN)),
    })),
    data: seconds,
  }
}

async function timeStart (stage: Stage, argv: [string, ...string[]]): Promise<number> {
  const startMs = performance.now()
  const command: Command = stage.start(argv)
  await command.read(1, stage.signal, (line) => / listening/.test(line) || undefined)
  const seconds = (performance.now() - startMs) / 1_000
  await command.stop()
  return seconds
}
