/** Folders of small, middling and large files, from one owner to one fresh node, until all of it is on the disk. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Stage } from '../demo/stage.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { KiB, MiB } from '../../lib/protocol/units.js'
import { count as counted, formatBytes } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { Libtorrent } from './bittorrent.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, tableOf, wallTime } from './columns.js'
import { Rsync, TarThroughNetcat, ThenSync, type FolderArena } from './folder-contestants.js'
import { Piecemeal } from './piecemeal.js'
import { runToEnd } from './processes.js'
import { compare, TIME, type Ratio } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'
import { Scp } from './scp.js'

interface Shape {
  count: number
  bytes: number
  /** Why libtorrent is left out. */
  withoutLibtorrent?: string
}

const SHAPES: readonly Shape[] = [
  { count: 100_000, bytes: 10 * KiB, withoutLibtorrent: 'it took 368 s of the only round that was run' },
  { count: 10_000, bytes: 100 * KiB },
  { count: 100, bytes: 10 * MiB },
]
const QUICK_PART = 10
const FILES_A_FOLDER = 100
/** Of one of them. */
const DEADLINE_MS = 60 * 60_000
/** At least as fast as each of those that check what they move. */
const ASK = { atMost: 1 }

export async function folders (whole: Stage, { rounds, quick, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const table: string[][] = []
  const ratios: Ratio[] = []
  const [data, notes]: [unknown[], Set<string>] = [[], new Set()]
  const shapes: readonly Shape[] = quick ? SHAPES.map(({ count, bytes }) => ({ count: count / QUICK_PART, bytes })) : SHAPES
  for (const shape of shapes) {
    const what = `${shape.count.toLocaleString('en')} files of ${formatBytes(shape.bytes)} in a folder`
    // A disk need not hold more than one of them, nor those who moved the others.
    const stage = new Stage({ name: 'folder', parent: whole.folder, deadlineMs: DEADLINE_MS })
    const arena = await makeFolder(stage, shape)
    const piecemeal = new Piecemeal(arena, { owners: 1, isFolder: true })
    const secret = new Piecemeal(arena, { owners: 1, isFolder: true, hasSecret: true })
    const [rsync, libtorrent, tar, scp] = [new Rsync(arena), new Libtorrent(arena, { seeders: 1, version: 2, leftOut: shape.withoutLibtorrent }), new TarThroughNetcat(arena), new Scp(arena, { isFolder: true })]
      .map((contestant) => new ThenSync(arena, contestant)) as [ThenSync, ThenSync, ThenSync, ThenSync]
    const { runs, notes: ofRounds } = await runRounds([piecemeal, secret, rsync, libtorrent, tar, scp], {
      name: what, rounds, say, tell: tellSeconds, check: async ({ targets }) => { for (const target of targets) await assertSame(arena, target) },
    })
    const [heading = [], ...rows] = tableOf(runs, [wallTime, piecemealOfIt(runs, piecemeal), processor('downloader'), ownersProcessor('owner'), mostMemory('downloader')])
    if (table.length === 0) table.push(['folder', ...heading])
    table.push(...rows.map((row) => [what, ...row]))
    ratios.push(
      ...[rsync, libtorrent].map((theirs) => compare({ what, runs, ours: piecemeal, theirs, quantity: TIME, ask: ASK })),
      compare({ what, runs, ours: piecemeal, theirs: tar, quantity: TIME }),
      compare({ what: `${what}, with a secret`, runs, ours: secret, theirs: scp, quantity: TIME })
    )
    for (const note of ofRounds) notes.add(note)
    data.push({ what, figures: allFigures(runs) })
    await stage.clear()
  }
  return { title: `Folders from one owner to one downloader, until all of it is on the disk, interleaved, ${counted(rounds, 'round')}`, table, notes: [...notes], ratios, data }
}

async function makeFolder (stage: Stage, { count, bytes }: Shape): Promise<FolderArena> {
  const source = join(stage.folder, 'source')
  for (let i = 0; i < count; i++) {
    const folder = join(source, String(Math.floor(i / FILES_A_FOLDER)))
    if (i % FILES_A_FOLDER === 0) await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${i}.bin`), pseudoRandomBytes(bytes, `${i}`))
  }
  await runToEnd(['sync', '-f', source], stage.signal)
  return { stage, source }
}

/** @throws if what came is not what was sent. */
async function assertSame ({ stage, source }: FolderArena, target: string): Promise<void> {
  await runToEnd(['diff', '-r', '--no-dereference', source, target], stage.signal)
}
