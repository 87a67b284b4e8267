/** Small files: how long one takes at a node that is idle, and how long thousands of them take, each by its name. */
import { readFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { count as counted, formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, tableOf, wallTime } from './columns.js'
import type { Measurement } from './contestant.js'
import { Rsync } from './folder-contestants.js'
import { download, leave, nodeFolder, startNode, startTracker, upload } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { compare, TIME, type Ratio } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { Scp } from './scp.js'
import { SmallAria2, SmallCopy, SmallPiecemeal, type SmallFiles } from './small-contestants.js'
import { spread } from './statistics.js'

const ONE = { count: 20, bytes: 1_024 }
const MANY = { counts: [1_000, 10_000], bytes: 10 * 1_024 }
const QUICK_PART = 10
const ASK = { atMost: 1 }
/** Of all rounds with so many. */
const DEADLINE_MS = 60 * 60_000
/** Until the node is idle again. */
const PAUSE_MS = 200

export async function small (whole: Stage, { rounds, quick, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const oneSeconds = await oneByOne(whole)
  say(`small: ${ONE.count} files one by one`)

  const table: string[][] = []
  const ratios: Ratio[] = []
  const [data, notes]: [unknown[], Set<string>] = [[], new Set()]
  for (const count of quick ? MANY.counts.map((count) => count / QUICK_PART) : MANY.counts) {
    const stage = new Stage({ name: 'small', parent: whole.folder, deadlineMs: DEADLINE_MS })
    const many = await makeFiles(join(stage.folder, 'many'), { count, bytes: MANY.bytes })
    const arena = { stage, source: many.folder }
    const [piecemeal, secret] = [new SmallPiecemeal(stage, many), new SmallPiecemeal(stage, many, { hasSecret: true })]
    const others = [new SmallCopy(stage, many), new SmallAria2(stage, many, 8), new SmallAria2(stage, many, 16), new Rsync(arena)]
    const scp = new Scp(arena, { isFolder: true })
    const { runs, notes: ofRounds } = await runRounds<Measurement>([piecemeal, secret, ...others, scp], {
      name: `small: ${count}`, rounds, say, tell: tellSeconds, check: async ({ targets }) => { for (const target of targets) await assertSame(target, many, MANY.bytes) },
    })
    const what = `${count} files of ${formatBytes(MANY.bytes)}`
    const [heading = [], ...rows] = tableOf(runs, [wallTime, piecemealOfIt(runs, piecemeal), processor('downloader'), ownersProcessor('owner'), mostMemory('downloader')])
    if (table.length === 0) table.push(['files', ...heading])
    table.push(...rows.map((row) => [what, ...row]))
    ratios.push(
      ...others.map((theirs) => compare({ what, runs, ours: piecemeal, theirs, quantity: TIME, ...(theirs instanceof SmallAria2 && { ask: ASK }) })),
      compare({ what: `${what}, with a secret`, runs, ours: secret, theirs: scp, quantity: TIME })
    )
    for (const note of ofRounds) notes.add(note)
    data.push({ what, figures: allFigures(runs) })
    await stage.clear()
  }
  return {
    title: `Small files, each by its name, from one node to another, interleaved, ${counted(rounds, 'round')}`,
    table,
    notes: [...notes, `a file of ${formatBytes(ONE.bytes)} at an idle node, ${ONE.count} times: ${spread(oneSeconds.map((seconds) => seconds * 1_000), 'ms', 0)}`],
    ratios: [
      ...ratios,
      { what: `a file of ${formatBytes(ONE.bytes)} at an idle node`, quantity: TIME.name, ours: 'piecemeal', values: oneSeconds.map((seconds) => seconds * 1_000), unit: 'ms' },
    ],
    data: { oneSeconds, many: data },
  }
}

async function makeFiles (folder: string, { count, bytes }: { count: number, bytes: number }): Promise<SmallFiles> {
  const files = Array.from({ length: count }, (_, i) => `${i}.bin`)
  await mkdir(folder, { recursive: true })
  for (const file of files) await writeFile(join(folder, file), pseudoRandomBytes(bytes, file))
  return { folder, files }
}

async function oneByOne (stage: Stage): Promise<number[]> {
  const dir = join(stage.folder, 'one')
  const ones = await makeFiles(await nodeFolder(dir, 'Owner'), ONE)
  const { address, tracker } = await startTracker(stage)
  const owner = await startNode(stage, 'Owner', dir, address)
  await upload(owner, ones.files, stage.signal)
  const node = await startNode(stage, 'Downloader', dir, address)
  await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  const seconds: number[] = []
  for (const file of ones.files) {
    const startMs = performance.now()
    await download(node, [file], stage.signal)
    seconds.push((performance.now() - startMs) / 1_000)
    await sleep(PAUSE_MS, undefined, { signal: stage.signal })
  }
  await Promise.all([leave(node), leave(owner)])
  await tracker.stop()
  await assertSame(join(dir, 'Downloader'), ones, ONE.bytes)
  return seconds
}

/** @throws if what came is not what was sent. */
async function assertSame (folder: string, { files }: SmallFiles, bytes: number): Promise<void> {
  for (const file of files) {
    if (!(await readFile(join(folder, file))).equals(pseudoRandomBytes(bytes, file))) throw new Error(`${join(folder, file)} is not what was sent`)
  }
}
