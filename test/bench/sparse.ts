/** Files that are mostly holes: one of nothing but zeros, and a disk image with data here and there. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../demo/stage.js'
import { contentDigest } from '../../lib/content/digest.js'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { pieceCount, pieceLengthFor } from '../../lib/protocol/content.js'
import { GiB, MiB } from '../../lib/protocol/units.js'
import { count, formatBytes } from '../../lib/ui/format.js'
import type { Arena } from './arena.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import { mostMemory, ownersProcessor, piecemealOfIt, processor, tableOf, wallTime } from './columns.js'
import type { Contestant, Measurement } from './contestant.js'
import { Piecemeal } from './piecemeal.js'
import { hintUnlessFound, runToEnd, thenSync, type Argv } from './processes.js'
import { compare, TIME, type Ratio } from './ratios.js'
import { allFigures, runRounds, tellSeconds } from './rounds.js'

const IMAGE_BYTES = 8 * GiB
/** So much data, and 15 times as much hole. */
const DATA_BYTES = 8 * MiB

export async function sparse (stage: Stage, { rounds, size = IMAGE_BYTES, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const table: string[][] = []
  const ratios: Ratio[] = []
  const [data, notes]: [unknown[], Set<string>] = [[], new Set()]
  for (const [name, bytes, spacing] of [['zeros', GiB, Infinity], ['image', size, 16 * DATA_BYTES]] as const) {
    const arena = await makeSparse(stage, name, bytes, spacing)
    const piecemeal = new Piecemeal(arena, { what: name, owners: 1 })
    const others = [new SparseCopy(arena, 'cp --sparse=always, then sync', ['cp', '--sparse=always']), new SparseCopy(arena, 'rsync -S, then sync', ['rsync', '-S'])]
    const { runs, notes: ofRounds } = await runRounds<Measurement>([piecemeal, ...others], {
      name: `sparse: ${name}`, rounds, say, tell: tellSeconds, check: async (contestant) => await assertSparse(contestant, arena),
    })
    const what = spacing === Infinity ? `${formatBytes(bytes)} of zeros` : `${formatBytes(bytes)} with ${formatBytes(bytes / 16)} in it`
    const [heading = [], ...rows] = tableOf(runs, [wallTime, piecemealOfIt(runs, piecemeal), processor('downloader'), ownersProcessor('owner'), mostMemory('downloader')])
    if (table.length === 0) table.push(['file', ...heading])
    table.push(...rows.map((row) => [what, ...row]))
    ratios.push(...others.map((theirs) => compare({ what, runs, ours: piecemeal, theirs, quantity: TIME })))
    for (const note of ofRounds) notes.add(note)
    data.push({ what, figures: allFigures(runs) })
  }
  return { title: `Sparse files from one owner to one downloader, interleaved, ${count(rounds, 'round')}`, table, notes: [...notes], ratios, data }
}

/** `sha256` of it is our own digest: to read holes takes longer than all that is measured. */
async function makeSparse (stage: Stage, name: string, size: number, spacing: number): Promise<Arena> {
  const folder = join(stage.folder, `source-${name}`)
  await mkdir(folder)
  const source = join(folder, `${name}.img`)
  const file = await open(source, 'wx')
  if (spacing < Infinity) {
    for (let at = 0; at < size; at += spacing) await file.write(randomBytes(Math.min(DATA_BYTES, size - at)), 0, undefined, at)
  }
  await file.truncate(size)
  await file.sync()
  await file.close()
  return { stage, source, size, sha256: await digestOf(source, size) }
}

async function digestOf (path: string, size: number): Promise<string> {
  const pieceLength = pieceLengthFor(size)
  const file = await open(path)
  const pieces = digestPieces({ fd: file.fd, offset: 0, size, pieceLength, firstPiece: 0, endPiece: pieceCount({ size, pieceLength }) })
  await file.close()
  return contentDigest(size, pieceLength, pieces)
}

/** @throws if it is another file, or takes more of the disk than the source. */
async function assertSparse ({ name, targets }: Contestant, { source, size, sha256: wanted }: Arena): Promise<void> {
  for (const target of targets) {
    const [{ size: found, blocks }, { blocks: atMost }] = [await stat(target), await stat(source)]
    if (found !== size || await digestOf(target, size) !== wanted) throw new Error(`${name} made something else of the file: ${target}`)
    if (blocks > 1.1 * atMost + 128) throw new Error(`${name} made ${blocks} blocks of ${atMost}: ${target}`)
  }
}

class SparseCopy implements Contestant {
  readonly targets: readonly [string]
  readonly #arena: Arena
  readonly #argv: readonly [program: string, flag: string]

  constructor (arena: Arena, readonly name: string, argv: readonly [program: string, flag: string]) {
    this.#arena = arena
    this.#argv = argv
    this.targets = [join(arena.stage.folder, `${argv[0]}-copied.img`)]
  }

  available (): string | undefined {
    return hintUnlessFound([this.#argv[0]], `apt install ${this.#argv[0]}`)
  }

  async run (): Promise<Measurement> {
    const { source, stage } = this.#arena
    const [target] = this.targets
    const argv: Argv = [...this.#argv, source, target]
    // The memory would be the shell's, which says nothing.
    return { ...await runToEnd(thenSync(argv, target), stage.signal), peakBytes: undefined }
  }
}
