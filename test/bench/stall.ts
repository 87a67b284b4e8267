/** How long the main thread of a node is not to be spoken to while it fetches a large file: the longest stall of its event loop. */
import { copyFile, link, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../demo/stage.js'
import { Node } from '../../lib/index.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import { makeArena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { nodeFolder, startNode, startTracker, upload } from './nodes.js'
import { SETTLE_MS } from './piecemeal.js'
import { spread } from './statistics.js'

const SIZE = 1_024 ** 3
const OWNERS = ['Owner1', 'Owner2']
const RESOLUTION_MS = 1

export async function stall (stage: Stage, { rounds, size = SIZE, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const { source } = await makeArena(stage, size)
  const dir = join(stage.folder, 'stall')
  const { address, tracker } = await startTracker(stage)
  const file = basename(source)
  for (const name of OWNERS) {
    const path = join(await nodeFolder(dir, name), file)
    await link(source, path).catch(async () => await copyFile(source, path))
  }
  const owners = await Promise.all(OWNERS.map(async (name) => await startNode(stage, name, dir, address)))
  for (const owner of owners) await upload(owner, [file], stage.signal)

  const longestMs: number[] = []
  const p99Ms: number[] = []
  for (let round = 0; round < rounds; round++) {
    const node = new Node({ name: 'Downloader', dir, tracker: { host: '127.0.0.1', port: Number(address.split(':').at(-1)) } })
    await node.start()
    await sleep(SETTLE_MS, undefined, { signal: stage.signal })
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delay.enable()
    await node.download(file)
    delay.disable()
    longestMs.push(delay.max / 1e6 - RESOLUTION_MS)
    p99Ms.push(delay.percentile(99) / 1e6 - RESOLUTION_MS)
    await node.leave()
    await rm(node.folder, { recursive: true })
    say(`stall, round ${round + 1} of ${rounds}: ${longestMs.at(-1)?.toFixed(0)} ms`)
  }
  await Promise.all([...owners, tracker].map(async (command) => await command.stop()))
  return {
    title: `The event loop of a node's main thread while it fetches ${formatBytes(size)} from ${OWNERS.length} owners, ${count(rounds, 'round')}`,
    table: [
      ['what', 'time'],
      ['longest stall', spread(longestMs, 'ms', 0)],
      ['99 of 100 below', spread(p99Ms, 'ms', 1)],
    ],
    notes: [],
    ratios: [{ what: `${formatBytes(size)} from ${OWNERS.length} owners`, quantity: 'longest stall of the main thread', ours: 'piecemeal', values: longestMs, unit: 'ms' }],
    data: { longestMs, p99Ms },
  }
}
