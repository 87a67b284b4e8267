/**
 * What becomes of a folder's parts: each has a part file, however many small files are in it, and these
 * are taken out of it in threads while others are on their way. Then the tree is finished, still hidden.
 */
import pLimit from 'p-limit'
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { Selection } from '../content/selection.js'
import { toDiskError } from '../disk/disk-error.js'
import type { Workspace } from '../disk/workspace.js'
import type { Manifest } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/units.js'
import type { TreeControl } from '../tree/tree-control.js'
import { packExtents } from '../tree/unpack.js'
import type { DownloadContext } from './context.js'
import type { Landed, Landing } from './landing.js'
import { dropPartFile, ownFile, type PartPlace } from './part-place.js'

/** Part files that are unpacked at once: more would wait for the same disk. What is in them takes its room twice. */
export const TASKS = 2
/** What waits to be unpacked: with more nothing new is fetched. */
const WAITING_BYTES = 256 * MiB

export interface FolderLandingOptions {
  manifest: Manifest
  selection: Selection
  /** The hidden tree. */
  root: string
  /** Pieces that are holes in the tree. */
  zeros: PieceSet
  workspace: Pick<Workspace, 'newPartFile'>
  unpack: DownloadContext['trees']['unpack']
  control: TreeControl
  onGood?: ((run: PlacedRun) => void) | undefined
}

export class FolderLanding implements Landing {
  readonly isGradual = true
  readonly isOver = false
  readonly target = undefined
  readonly #options: FolderLandingOptions
  readonly #limit = pLimit(TASKS)
  readonly #unpacked: PieceSet
  /** Those that are done without. */
  readonly #without: PieceSet
  readonly #unpacking = new Set<Promise<void>>()
  #waitingBytes = 0
  #files = 0
  #failure: unknown
  #isClosed = false

  constructor (options: FolderLandingOptions) {
    this.#options = options
    this.#unpacked = new PieceSet(options.selection.layout.pieceCount)
    this.#without = new PieceSet(options.selection.layout.pieceCount)
  }

  /** Files that are there from end to end, but for those that are empty. */
  get files (): number {
    return this.#files
  }

  get isBehind (): boolean {
    return this.#waitingBytes > WAITING_BYTES
  }

  /** The files that these pieces are of are not to be there. @returns all of their pieces */
  doWithout (lost: PieceSet): PieceRange[] {
    const { layout } = this.#options.selection
    const ranges: PieceRange[] = []
    for (let piece = lost.firstFrom(0); piece < lost.pieceCount; piece = lost.firstFrom(ranges.at(-1)?.endPiece ?? piece + 1)) {
      const file = layout.fileOf(piece)
      ranges.push({ firstPiece: layout.firstPieceOf(file), endPiece: layout.firstPieceOf(file + 1) })
    }
    for (const { firstPiece, endPiece } of ranges) this.#without.addRange(firstPiece, endPiece)
    return ranges
  }

  /** The entries that are not there, by their numbers in the folder, ascending. */
  get without (): number[] {
    const { selection } = this.#options
    return [...this.#without.ranges()].flatMap((range) => [...selection.extentsOf(range)].map(({ entry }) => entry))
  }

  async takeUp (runs: readonly PlacedRun[]): Promise<void> {
    const { root, zeros, onGood } = this.#options
    for (const range of zeros.ranges()) {
      this.#keep(range)
      onGood?.({ ...range, path: root, originPiece: 0 })
    }
    for (const run of runs) {
      if (run.path === root) this.#keep(run)
      else this.#unpack(run)
    }
  }

  placeFor (range: PieceRange): PartPlace {
    return ownFile(this.#options.workspace, range)
  }

  shortened (): void {}

  begins (): void {}

  grows (): void {}

  async ended (place: PartPlace, run: PlacedRun): Promise<void> {
    if (run.endPiece > run.firstPiece) this.#unpack(run)
    else await dropPartFile(place)
  }

  arrived (): void {}

  throwOnFailure (): void {
    if (this.#failure !== undefined) throw toDiskError(this.#failure, 'cannot take files out of what has come')
  }

  async finish (): Promise<Landed> {
    await Promise.all(this.#unpacking)
    this.throwOnFailure()
    const there = new PieceSet(this.#unpacked.pieceCount)
    there.assign(this.#unpacked)
    there.addAll(this.#without)
    const missing = there.firstGapFrom(0)
    if (missing < this.#unpacked.pieceCount) throw new PiecemealError('E_INTERNAL', `piece ${missing} is missing after the last part`)
    return { pieces: Buffer.alloc(0), path: this.#options.root }
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#unpacking)
  }

  #unpack (run: PlacedRun): void {
    const { selection: { layout } } = this.#options
    const bytes = layout.offsetOf(run.endPiece) - layout.offsetOf(run.firstPiece)
    this.#waitingBytes += bytes
    const unpacking = this.#limit(async () => await this.#unpackNow(run)).catch((error: unknown) => { this.#failure ??= error }).finally(() => {
      this.#waitingBytes -= bytes
      this.#unpacking.delete(unpacking)
    })
    this.#unpacking.add(unpacking)
  }

  async #unpackNow (run: PlacedRun): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    const { manifest, selection, root, unpack, control, onGood } = this.#options
    const { layout } = selection
    await unpack({
      manifest: manifest.data,
      root,
      from: run.path,
      position: layout.offsetOf(run.firstPiece) - layout.offsetOf(run.originPiece),
      extents: packExtents([...selection.extentsOf(run)]),
      control: control.buffer,
    })
    this.#keep(run)
    onGood?.({ ...run, path: root, originPiece: 0, isMoved: true })
    await dropPartFile(run)
  }

  #keep (run: PieceRange): void {
    const { layout } = this.#options.selection
    const lastFile = layout.fileOf(run.endPiece - 1)
    for (let file = layout.fileOf(run.firstPiece); file <= lastFile; file++) if (this.#isWhole(file)) this.#files--
    this.#unpacked.addRange(run.firstPiece, run.endPiece)
    for (let file = layout.fileOf(run.firstPiece); file <= lastFile; file++) if (this.#isWhole(file)) this.#files++
  }

  #isWhole (file: number): boolean {
    const { layout } = this.#options.selection
    const [firstPiece, endPiece] = [layout.firstPieceOf(file), layout.firstPieceOf(file + 1)]
    return endPiece > firstPiece && this.#unpacked.firstGapFrom(firstPiece) >= endPiece
  }
}
