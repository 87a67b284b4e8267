/** A node's HTTP port beside servers of files; a file that is fetched while it is read; and what counting costs. */
import { copyFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrackerMetrics } from '../../lib/metrics/tracker-metrics.js'
import { GiB, MiB } from '../../lib/protocol/units.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import type { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { makeArena, type Arena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { ownersProcessor, piecemealOfIt, tableOf, wallTime, type Column } from './columns.js'
import type { Contestant } from './contestant.js'
import { ComingFile, startGateway } from './gateway-coming.js'
import { Asking, configPath, CURL, curlConfig, GatewayServer, NginxServer, PythonServer, wholeOf, type FileServer, type ServedMeasurement } from './gateway-servers.js'
import { nodeFolder, startTracker, upload } from './nodes.js'
import { Piecemeal } from './piecemeal.js'
import type { Argv } from './processes.js'
import { compare, figure, TIME, type Ask, type Quantity, type Ratio } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { knownMedian, orUnknown } from './statistics.js'
import { PiecemealTracker, type TrackerMeasurement } from './trackers.js'

const MANY = { count: 10_000, bytes: 10 * 1_024, atOnce: 8 }
const CLIENTS = { count: 1_000, bytes: MiB, file: 'client.bin' }
const QUICK_PART = 10
/** How near to its end the byte is that is asked for first. */
const FAR_BYTES = 40 * MiB
/** In times of nginx without sendfile, which Node has not either; of a download by a command; of a tracker that nobody reads; nanoseconds. */
const ASKED = { serverAtMost: 2, comingAtMost: 1.1, readAtLeast: 0.98, countAtMost: 200 }
const COUNTS = 1_000_000

const SERVER_PROCESSOR: Quantity<ServedMeasurement> = { name: 'processor of the server', unit: 's', of: ({ ownersProcessorSeconds }) => ownersProcessorSeconds }
const SERVER_MEMORY: Quantity<ServedMeasurement> = { name: 'most memory of the server', unit: 'MiB', of: ({ serverPeakBytes }) => serverPeakBytes === undefined ? undefined : serverPeakBytes / MiB }
const MILLISECONDS: Quantity = { name: 'time', unit: 'ms', of: ({ seconds }) => seconds * 1_000 }
const serverMemory: Column<ServedMeasurement> = { heading: 'most memory, server', cell: (measurements) => orUnknown(knownMedian(measurements.map(({ serverPeakBytes }) => serverPeakBytes)), formatBytes) }
const ANSWERS: Quantity<TrackerMeasurement> = {
  name: 'answers for a second of its processor time (more is better)',
  unit: 'a second',
  of: ({ answers, processorSeconds }) => processorSeconds === undefined ? undefined : answers / processorSeconds,
}

/** What the servers are asked for. */
interface Job {
  what: string
  argvFor: (server: FileServer) => (prefix: string) => Argv | Promise<Argv>
  others: readonly FileServer[]
  ask?: Ask
}

export async function gateway (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  const { rounds, quick, size = GiB, say } = options
  const arena = await makeArena(stage, size)
  const { tracker, folder, server, files } = await serve(arena, quick ? MANY.count / QUICK_PART : MANY.count)
  const nginx = [new NginxServer(stage, folder, { usesSendfile: true }), new NginxServer(stage, folder, { usesSendfile: false })]
  const others = [...nginx, new PythonServer(stage, folder)]
  const jobs: Job[] = [
    { what: `GET of ${formatBytes(size)}`, argvFor: () => wholeOf(basename(arena.source)), others, ask: { atMost: ASKED.serverAtMost } },
    { what: `GET of ${count(files.length, 'file')} of ${formatBytes(MANY.bytes)}, ${MANY.atOnce} at a time`, argvFor: manyOf(stage, files), others },
    // Python's, which lets five wait to be accepted, has not answered all of them after a minute.
    { what: `GET of ${formatBytes(CLIENTS.bytes)} by ${CLIENTS.count.toLocaleString('en')} clients at once`, argvFor: () => clients, others: nginx },
  ]
  const table: string[][] = []
  const ratios: Ratio[] = []
  const [data, notes]: [unknown[], Set<string>] = [[], new Set()]
  for (const { what, argvFor, others, ask } of jobs) {
    const [ours, ...theirs] = [server, ...others].map((server) => new Asking(stage, server, argvFor(server))) as [Asking, ...Asking[]]
    const { runs, notes: ofRounds } = await runRounds<ServedMeasurement>([ours, ...theirs], { name: `gateway: ${what}`, rounds, say, tell: tellSeconds })
    const [heading = [], ...rows] = tableOf(runs, [wallTime, piecemealOfIt(runs, ours), ownersProcessor('server'), serverMemory] as Array<Column<ServedMeasurement>>)
    if (table.length === 0) table.push(['asked', ...heading])
    table.push(...rows.map((row) => [what, ...row]))
    for (const [i, their] of theirs.entries()) {
      const row = { what, runs, ours, theirs: their }
      ratios.push(compare({ ...row, quantity: TIME, ...(i === 1 && ask !== undefined && { ask }) }), compare({ ...row, quantity: SERVER_PROCESSOR }))
    }
    ratios.push(figure({ what, runs, ours, quantity: SERVER_MEMORY }))
    for (const note of ofRounds) notes.add(note)
    data.push({ what, figures: allFigures(runs) })
  }
  const coming = await fetched(arena, tracker, options)
  const counting = await counted(stage, options)
  return {
    title: `Files over HTTP, interleaved, ${count(rounds, 'round')}`,
    table: [...table, ...coming.table],
    notes: [...notes],
    ratios: [...ratios, ...coming.ratios, ...counting.ratios],
    data: { served: data, coming: coming.data, counting: counting.data },
  }
}

/** A node that shares all that the servers are asked for; others serve its folder. */
async function serve ({ stage, source }: Arena, many: number): Promise<{ tracker: string, folder: string, server: FileServer, files: string[] }> {
  const dir = join(stage.folder, 'gateway')
  const folder = await nodeFolder(dir, 'Owner')
  const files = Array.from({ length: many }, (_, i) => `${i}.bin`)
  // A copy: another link to it, which others make, would be a change of it.
  await copyFile(source, join(folder, basename(source)))
  for (const file of files) await writeFile(join(folder, file), pseudoRandomBytes(MANY.bytes, file))
  await writeFile(join(folder, CLIENTS.file), pseudoRandomBytes(CLIENTS.bytes, CLIENTS.file))
  const { address } = await startTracker(stage)
  const { command, url } = await startGateway(stage, ['bin/node', '-n', 'Owner', '-t', address, '-d', dir, '--json', '--http', '0'])
  await upload(command, [basename(source), CLIENTS.file, ...files], stage.signal)
  return { tracker: address, folder, server: new GatewayServer(command, url), files }
}

function manyOf (stage: Stage, files: readonly string[]): Job['argvFor'] {
  return (server) => async (prefix) => {
    const path = configPath(stage, server)
    await writeFile(path, curlConfig(files.map((file) => `${prefix}${file}`)))
    return [...CURL, '--parallel', '--parallel-max', String(MANY.atOnce), '--config', path]
  }
}

function clients (prefix: string): Argv {
  const program = fileURLToPath(new URL('./load/clients.js', import.meta.url))
  return [process.execPath, program, `${prefix}${CLIENTS.file}`, String(CLIENTS.count), String(CLIENTS.bytes)]
}

/** Through a node that has not got it, beside a download by a command; with an HTTP port and without. */
async function fetched (arena: Arena, tracker: string, { rounds, say }: BenchmarkOptions): Promise<Pick<BenchmarkResult, 'table' | 'ratios' | 'data'>> {
  const { size } = arena
  const at = size - Math.min(size, FAR_BYTES)
  const [far, whole] = [new ComingFile(arena, 'gateway, one byte', { tracker, range: `${at}-${at}` }), new ComingFile(arena, 'gateway, all of it', { tracker })]
  const [plain, counting] = [new Piecemeal(arena, { owners: 1 }), new Piecemeal(arena, { owners: 1, flags: ['--http', '0'] })]
  const { runs } = await runRounds([far, whole, plain, counting] satisfies Contestant[], { name: 'gateway: a file that is not here', rounds, say, tell: tellSeconds })
  const what = `${formatBytes(size)} that is not here`
  return {
    table: tableOf(runs, [wallTime]).slice(1).map((row) => [what, ...row, '', '', '']),
    ratios: [
      figure({ what: `${what}: a byte ${formatBytes(at)} inside`, runs, ours: far, quantity: MILLISECONDS }),
      compare({ what, runs, ours: whole, theirs: plain, quantity: TIME, ask: { atMost: ASKED.comingAtMost } }),
      compare({ what: `a download of ${formatBytes(size)}, with metrics`, runs, ours: counting, theirs: plain, quantity: TIME }),
    ],
    data: allFigures(runs),
  }
}

/** A tracker always counts; what it costs to be read, and what to count one answer. */
async function counted (stage: Stage, { rounds, say }: BenchmarkOptions): Promise<Pick<BenchmarkResult, 'ratios' | 'data'>> {
  const need = { mode: 'need', owners: 1, connections: 50, inFlight: 16 } as const
  const [plain, read] = [new PiecemealTracker(stage, need), new PiecemealTracker(stage, { ...need, isRead: true })]
  const { runs } = await runRounds([plain, read], { name: 'gateway: metrics', rounds, say, tell: ({ answers, seconds }) => `${Math.round(answers / seconds)} a second` })
  const nanoseconds = Array.from({ length: rounds }, countOnce)
  return {
    ratios: [
      compare({ what: 'a tracker whose metrics are read', runs, ours: read, theirs: plain, quantity: ANSWERS, ask: { atLeast: ASKED.readAtLeast } }),
      { what: 'to count one answer of a tracker', quantity: 'time', ours: 'piecemeal', values: nanoseconds, unit: 'ns', ask: { atMost: ASKED.countAtMost } },
    ],
    data: { read: allFigures(runs), nanoseconds },
  }
}

function countOnce (): number {
  const metrics = new TrackerMetrics({ nodes: () => 0, connections: () => ({ joined: 0, strangers: 0 }), sizes: async () => ({ files: 0, records: 0 }) })
  const startMs = performance.now()
  for (let i = 0; i < COUNTS; i++) metrics.answered('need', 0.1)
  return (performance.now() - startMs) * 1e6 / COUNTS
}
