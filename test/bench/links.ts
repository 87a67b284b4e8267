/** Real links, as network namespaces: how much of a line a download uses, beside curl, aria2 and scp, and how many round trips a small file takes. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../demo/stage.js'
import { sha256, writePseudoRandom } from '../helpers/files.js'
import { Network, networkHint, type Link } from '../helpers/network.js'
import { count } from '../../lib/ui/format.js'
import { assertSame } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { LinkAria2, LinkCurl, linkFolder, LinkPiecemeal, type Hosts, type LinkMeasurement } from './link-contestants.js'
import { compare, figure, type Ratio } from './ratios.js'
import { allFigures, runRounds } from './rounds.js'
import { Scp } from './scp.js'
import { median, medianRatio, spread } from './statistics.js'

interface Line {
  name: string
  mebibytes: number
  /** Of the downloader; what it adds to a round trip and loses is between it and everybody else. */
  downloader: Link
  /** Megabits a second of each owner, the fastest last. */
  owners: readonly number[]
}

/** What is lost at each of two ends, in per cent of what is sent. */
function atEachEnd (percent: number): number {
  return 100 * (1 - (1 - percent / 100) ** 2)
}

const LINES: readonly Line[] = [
  { name: 'one owner, 300 Mbit/s', mebibytes: 128, downloader: { mbit: 300 }, owners: [300] },
  { name: 'one owner, 1,000 Mbit/s', mebibytes: 512, downloader: { mbit: 1_000 }, owners: [1_000] },
  { name: 'two owners of 100 Mbit/s', mebibytes: 128, downloader: { mbit: 1_000 }, owners: [100, 100] },
  { name: 'owners of 5, 50 and 100 Mbit/s', mebibytes: 96, downloader: { mbit: 1_000 }, owners: [5, 50, 100] },
  { name: '100 Mbit/s, RTT 40 ms', mebibytes: 96, downloader: { mbit: 100, rttMs: 40 }, owners: [100] },
  { name: '100 Mbit/s, RTT 40 ms, 0.1 % lost at each end', mebibytes: 24, downloader: { mbit: 100, rttMs: 40, lossPercent: atEachEnd(0.1) }, owners: [100] },
  { name: '100 Mbit/s, RTT 40 ms, 1 % lost at each end', mebibytes: 8, downloader: { mbit: 100, rttMs: 40, lossPercent: atEachEnd(1) }, owners: [100] },
  { name: '100 Mbit/s, RTT 150 ms', mebibytes: 96, downloader: { mbit: 100, rttMs: 150 }, owners: [100] },
]
const RATE = 'rate'
/** What TCP, IP and Ethernet leave of a line: 1,448 of 1,514 bytes. */
const SHARE_OF_TCP = 1_448 / 1_514
/** What is asked of several owners, of that. */
const LEAST_SHARE = 0.97
const HEADING = ['link', 'piecemeal', 'of the line', 'curl', 'aria2', 'scp', 'of curl', 'a file of 4 KiB']

export async function links (stage: Stage, options: BenchmarkOptions): Promise<BenchmarkResult> {
  const title = `Mbit/s over links of network namespaces, interleaved, ${count(options.rounds, 'round')}`
  const hint = networkHint()
  if (hint !== undefined) return { title, table: [HEADING, ...LINES.map(({ name }) => [name, `skipped: ${hint}`])], notes: [], ratios: LINES.map(({ name }) => ({ what: name, quantity: RATE, ours: 'piecemeal', values: [], skipped: hint })), data: [] }
  const rows: string[][] = []
  const notes = new Set<string>()
  const ratios: Ratio[] = []
  const data: unknown[] = []
  for (const [i, line] of LINES.entries()) {
    const measured = await measure(stage, line, `link-${i}`, options)
    rows.push(measured.row)
    for (const note of measured.notes) notes.add(note)
    ratios.push(...measured.ratios)
    data.push({ line, measurements: measured.measurements })
  }
  return { title, table: [HEADING, ...rows], notes: [...notes, 'Of the line: of the owners\' lines together, or of the downloader\'s. TCP and IP need 4 to 5 % of it themselves.'], ratios, data }
}

async function measure (stage: Stage, line: Line, id: string, { rounds, say }: BenchmarkOptions): Promise<{ row: string[], notes: string[], ratios: Ratio[], measurements: unknown }> {
  const size = line.mebibytes * 1_024 ** 2
  const folder = await linkFolder(stage, id)
  const source = join(folder, 'source.bin')
  await writePseudoRandom(source, size)
  const arena = { stage, source, size, sha256: await sha256(source) }
  const network = new Network()
  try {
    const hosts = await hostsOf(network, line)
    const piecemeal = new LinkPiecemeal(arena, hosts)
    const curl = new LinkCurl(arena, hosts)
    const others = [curl, new LinkAria2(arena, hosts), new Scp(arena, { hosts: { server: hosts.owners.at(-1) ?? hosts.tracker, client: hosts.downloader } })]
    const { runs, notes } = await runRounds<LinkMeasurement>([piecemeal, ...others], {
      name: line.name, rounds, say, tell: ({ seconds }) => `${mbits(size, seconds).toFixed(0)} Mbit/s`, check: async (contestant) => await assertSame(contestant, arena),
    })
    const secondsOf = (contestant: typeof piecemeal | typeof others[number]): number[] => (runs.get(contestant) ?? []).map(({ seconds }) => seconds)
    const rates = (seconds: readonly number[]): number[] => seconds.map((seconds) => mbits(size, seconds))
    const ours = secondsOf(piecemeal)
    const whole = Math.min(line.downloader.mbit ?? Infinity, line.owners.reduce((sum, mbit) => sum + mbit, 0))
    const row = [
      line.name,
      spread(rates(ours), '', 0),
      `${(100 * median(rates(ours)) / whole).toFixed(0)} %`,
      ...others.map((other) => runs.has(other) ? spread(rates(secondsOf(other)), '', 0) : 'skipped'),
      runs.has(curl) ? medianRatio(rates(ours), rates(secondsOf(curl))).toFixed(2) : 'skipped',
      smallFile((runs.get(piecemeal) ?? []).map(({ smallSeconds = NaN }) => smallSeconds * 1_000), line.downloader.rttMs),
    ]
    const rate = { name: RATE, unit: 'Mbit/s', of: ({ seconds }: LinkMeasurement) => mbits(size, seconds) }
    const trips = { name: 'a file of 4 KiB', unit: 'round trips', of: ({ smallSeconds = NaN }: LinkMeasurement) => smallSeconds * 1_000 / (line.downloader.rttMs ?? NaN) }
    const ratios = [
      figure({ what: line.name, runs, ours: piecemeal, quantity: rate, ...(line.owners.length > 1 && { ask: { atLeast: whole * SHARE_OF_TCP * LEAST_SHARE } }) }),
      ...others.map((theirs) => compare({ what: line.name, runs, ours: piecemeal, theirs, quantity: rate, ...(theirs === curl && { ask: { atLeast: 1 } }) })),
      ...(line.downloader.rttMs === undefined ? [] : [figure({ what: line.name, runs, ours: piecemeal, quantity: trips })]),
    ]
    return { row, notes, ratios, measurements: allFigures(runs) }
  } finally {
    network.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function hostsOf (network: Network, { owners, downloader }: Line): Promise<Hosts> {
  const tracker = await network.host()
  const hosts = []
  for (const mbit of owners) hosts.push(await network.host({ mbit }))
  return { tracker, owners: hosts, downloader: await network.host(downloader) }
}

function mbits (bytes: number, seconds: number): number {
  return bytes * 8 / 1e6 / seconds
}

/** How many round trips fit into it, where one takes long. */
function smallFile (ms: readonly number[], rttMs: number | undefined): string {
  const time = spread(ms, 'ms', 0)
  return rttMs === undefined ? time : `${count(Math.floor(median(ms) / rttMs), 'round trip')}, ${time}`
}
