/** Small files: how long one takes at a node that is idle, and how long a thousand of them take. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { runToEnd } from './processes.js'
import { spread } from './statistics.js'
import { download, leave, nodeFolder, startNode, startTracker, upload } from './swarm.js'

const ONE = { count: 20, bytes: 1_024 }
const MANY = { count: 1_000, bytes: 10 * 1_024 }
/** Until the node is idle again. */
const PAUSE_MS = 200
const SETTLE_MS = 1_000

export async function small (stage: Stage, { rounds, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const dir = join(stage.folder, 'small')
  const { address, tracker } = await startTracker(stage)
  const owner = await startNode(stage, 'Owner', dir, address)
  const ones = await makeFiles(dir, 'one', ONE)
  const many = await makeFiles(dir, 'many', MANY)
  await upload(owner, [...ones, ...many], stage.signal)

  const oneSeconds = await oneByOne(stage, dir, address, ones)
  say(`small: ${ONE.count} files one by one`)
  const manySeconds: number[] = []
  const copySeconds: number[] = []
  for (let round = 0; round < rounds; round++) {
    copySeconds.push(await copyMany(stage, dir, round, many))
    manySeconds.push(await allAtOnce(stage, dir, address, many, round))
    say(`small, round ${round + 1} of ${rounds}: ${MANY.count} files ${manySeconds.at(-1)?.toFixed(2)} s`)
  }
  await leave(owner)
  await tracker.stop()
  return {
    title: 'Small files',
    table: [
      ['what', 'wall time'],
      [`a file of ${formatBytes(ONE.bytes)} at an idle node, ${ONE.count} times`, spread(oneSeconds.map((seconds) => seconds * 1_000), 'ms', 0)],
      [`${MANY.count} files of ${formatBytes(MANY.bytes)} from one node to another`, spread(manySeconds, 's', 2)],
      [`cp of the same ${MANY.count} files`, spread(copySeconds, 's', 2)],
    ],
    notes: [],
    data: { oneSeconds, manySeconds, copySeconds },
  }
}

async function makeFiles (dir: string, name: string, { count, bytes }: { count: number, bytes: number }): Promise<string[]> {
  const folder = await nodeFolder(dir, 'Owner')
  const files = Array.from({ length: count }, (_, i) => `${name}-${i}.bin`)
  for (const file of files) await writeFile(join(folder, file), pseudoRandomBytes(bytes, file))
  return files
}

async function oneByOne (stage: Stage, dir: string, tracker: string, files: readonly string[]): Promise<number[]> {
  const name = 'OneByOne'
  const node = await startNode(stage, name, dir, tracker)
  await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  const seconds: number[] = []
  for (const file of files) {
    seconds.push(await download(node, [file], stage.signal))
    await sleep(PAUSE_MS, undefined, { signal: stage.signal })
  }
  await leave(node)
  await assertSame(dir, name, files, ONE.bytes)
  return seconds
}

/** A fresh node each time. */
async function allAtOnce (stage: Stage, dir: string, tracker: string, files: readonly string[], round: number): Promise<number> {
  const name = `AllAtOnce${round}`
  const node = await startNode(stage, name, dir, tracker)
  await sleep(SETTLE_MS, undefined, { signal: stage.signal })
  const seconds = await download(node, files, stage.signal)
  await leave(node)
  await assertSame(dir, name, files, MANY.bytes)
  return seconds
}

async function copyMany (stage: Stage, dir: string, round: number, files: readonly string[]): Promise<number> {
  const target = join(stage.folder, `copied-${round}`)
  await mkdir(target)
  const { seconds } = await runToEnd(['cp', ...files.map((file) => join(dir, 'Owner', file)), target], stage.signal)
  return seconds
}

async function assertSame (dir: string, name: string, files: readonly string[], bytes: number): Promise<void> {
  for (const file of files) {
    if (!(await readFile(join(dir, name, file))).equals(pseudoRandomBytes(bytes, file))) throw new Error(`${file} is not what was sent`)
  }
}
