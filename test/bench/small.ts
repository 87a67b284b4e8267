/** Small files: how long one takes at a node that is idle, and how long a thousand of them take. */
import { readFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { count as counted, formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, tableOf, timesOf, wallTime } from './columns.js'
import { download, leave, nodeFolder, startNode, startTracker, upload } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { compare, TIME } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { SmallAria2, SmallCopy, SmallPiecemeal, type SmallFiles } from './small-contestants.js'
import { spread } from './statistics.js'

const ONE = { count: 20, bytes: 1_024 }
const MANY = { count: 1_000, bytes: 10 * 1_024 }
/** Until the node is idle again. */
const PAUSE_MS = 200

export async function small (stage: Stage, { rounds, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const oneSeconds = await oneByOne(stage)
  say(`small: ${ONE.count} files one by one`)

  const many = await makeFiles(join(stage.folder, 'many'), MANY)
  const [copy, piecemeal, aria2] = [new SmallCopy(stage, many), new SmallPiecemeal(stage, many), new SmallAria2(stage, many)]
  const { runs, notes } = await runRounds([copy, piecemeal, aria2], {
    name: 'small', rounds, say, tell: tellSeconds, check: async ({ targets }) => { for (const target of targets) await assertSame(target, many, MANY.bytes) },
  })
  return {
    title: `${MANY.count} files of ${formatBytes(MANY.bytes)}, interleaved, ${counted(rounds, 'round')}`,
    table: tableOf(runs, [
      wallTime, timesOf('cp', runs, copy), ...(runs.has(aria2) ? [timesOf('aria2c', runs, aria2)] : []), piecemealOfIt(runs, piecemeal),
      processor('downloader'), ownersProcessor('owner'), mostMemory('downloader'),
    ]),
    notes: [...notes, `a file of ${formatBytes(ONE.bytes)} at an idle node, ${ONE.count} times: ${spread(oneSeconds.map((seconds) => seconds * 1_000), 'ms', 0)}`],
    ratios: [
      ...[copy, aria2].map((theirs) => compare({ what: `${MANY.count} files of ${formatBytes(MANY.bytes)}`, runs, ours: piecemeal, theirs, quantity: TIME })),
      { what: `a file of ${formatBytes(ONE.bytes)} at an idle node`, quantity: TIME.name, ours: piecemeal.name, values: oneSeconds.map((seconds) => seconds * 1_000), unit: 'ms' },
    ],
    data: { oneSeconds, many: allFigures(runs) },
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
