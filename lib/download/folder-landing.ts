/**
 * What becomes of a folder's parts: threads write those of large files into the hidden tree. A part of many small
 * files has a part file, which is taken apart while others come; so has one whose pieces somebody else may be
 * writing, and each where files have no holes. Then the tree is finished, still hidden.
 */
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { Selection } from '../content/selection.js'
import { toDiskError } from '../disk/disk-error.js'
import { Flusher } from '../disk/flusher.js'
import { Windows } from '../disk/windows.js'
import type { Workspace } from '../disk/workspace.js'
import type { Manifest } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import type { PartFiles } from '../part/part-task.js'
import { MiB } from '../protocol/units.js'
import { syncTogether } from '../tree/sync-tree.js'
import type { TreeControl } from '../tree/tree-control.js'
import { packExtents, type Extent } from '../tree/unpack.js'
import type { DownloadContext } from './context.js'
import type { Landed, Landing } from './landing.js'
import { dropPartFile, ownFile, type PartPlace } from './part-place.js'
import { Unpacker } from './unpacker.js'

/**
 * A part of more files goes to a part file first. To write it to them at once gained nothing, for the pages of part files are
 * used again and again; and the thread that opens hundreds of files reads from no socket meanwhile.
 */
const FEW_FILES = 8
/** What comes is brought to the disk in steps of so much: a sync takes the whole file system, and holds up for a moment whoever makes files there. */
const FLUSH_BYTES = 128 * MiB

export interface FolderLandingOptions {
  manifest: Manifest
  selection: Selection
  /** The hidden tree. */
  root: string
  /** Whether nothing was ever written to it. */
  isNew: boolean
  /** Whether parts are written to it at once. */
  inWindows: boolean
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
  readonly #windows: Windows
  readonly #unpacker: Unpacker
  readonly #flusher: Flusher
  readonly #closing = new AbortController()
  /** Those that are done without. */
  readonly #without: PieceSet
  #files = 0

  constructor (options: FolderLandingOptions) {
    const { selection: { layout }, isNew } = options
    this.#options = options
    this.#windows = new Windows(layout.pieceCount, isNew)
    this.#without = new PieceSet(layout.pieceCount)
    this.#flusher = new Flusher(options.root, { flushBytes: FLUSH_BYTES, flush: async (root) => { await syncTogether(root, this.#closing.signal) } })
    this.#unpacker = new Unpacker({
      layout,
      windows: this.#windows,
      unpack: async (run) => await this.#unpack(run),
      onUnpacked: (run) => {
        this.#count(run)
        options.onGood?.({ ...run, path: options.root, originPiece: 0, isMoved: true })
      },
    })
  }

  /** Files that are there from end to end, but for those that are empty. */
  get files (): number {
    return this.#files
  }

  get isBehind (): boolean {
    return this.#unpacker.isBehind
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
      else this.#unpacker.add(run)
    }
  }

  placeFor (range: PieceRange): PartPlace {
    const { root, inWindows, workspace } = this.#options
    const { firstPiece, endPiece } = range
    const isBlank = this.#windows.isBlank(range)
    const files = inWindows ? this.#filesOf(range) : undefined
    if (!files || !this.#windows.take(range)) return ownFile(workspace, range)
    return { firstPiece, endPiece, path: root, files, originPiece: 0, isWindow: true, isBlank }
  }

  shortened (place: PartPlace, endPiece: number): void {
    if (place.isWindow && endPiece < place.endPiece) {
      this.#windows.giveBack({ firstPiece: endPiece, endPiece: place.endPiece })
      this.#unpacker.look()
    }
    place.endPiece = Math.min(place.endPiece, endPiece)
  }

  begins (): void {}

  grows (bytes: number): void {
    if (!this.#closing.signal.aborted) this.#flusher.grow(bytes)
  }

  async ended (place: PartPlace, run: PlacedRun): Promise<void> {
    if (place.isWindow) {
      this.#keep(run)
      this.shortened(place, run.endPiece)
    } else if (run.endPiece > run.firstPiece) this.#unpacker.add(run)
    else await dropPartFile(place)
  }

  arrived (): void {}

  throwOnFailure (): void {
    if (this.#unpacker.failure !== undefined) throw toDiskError(this.#unpacker.failure, 'cannot take files out of what has come')
  }

  async finish (): Promise<Landed> {
    await this.#unpacker.settle()
    this.throwOnFailure()
    const { good } = this.#windows
    const there = new PieceSet(good.pieceCount)
    there.assign(good)
    there.addAll(this.#without)
    const missing = there.firstGapFrom(0)
    if (missing < good.pieceCount) throw new PiecemealError('E_INTERNAL', `piece ${missing} is missing after the last part`)
    return { pieces: Buffer.alloc(0), path: this.#options.root }
  }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#unpacker.close()
    await this.#flusher.settle()
  }

  async #unpack (run: PlacedRun): Promise<void> {
    const { manifest, selection, root, unpack, control } = this.#options
    const { layout } = selection
    await unpack({
      manifest: manifest.data,
      root,
      from: run.path,
      position: layout.offsetOf(run.firstPiece) - layout.offsetOf(run.originPiece),
      extents: packExtents([...selection.extentsOf(run)]),
      control: control.buffer,
    })
  }

  /** If they are few. */
  #filesOf (range: PieceRange): PartFiles | undefined {
    const { manifest, selection } = this.#options
    const extents: Extent[] = []
    for (const extent of selection.extentsOf(range)) if (extents.push(extent) > FEW_FILES) return undefined
    return { paths: extents.map(({ entry }) => manifest.path(entry)), bytes: Float64Array.from(extents, ({ bytes }) => bytes), offset: extents[0]?.offset ?? 0 }
  }

  /** They are in the tree. */
  #keep (run: PieceRange): void {
    if (run.endPiece <= run.firstPiece) return
    this.#windows.keep(run)
    this.#count(run)
  }

  /** Files that are whole with these pieces, which are in the tree now. */
  #count (run: PieceRange): void {
    const { layout } = this.#options.selection
    const lastFile = layout.fileOf(run.endPiece - 1)
    for (let file = layout.fileOf(run.firstPiece); file <= lastFile; file++) if (this.#isWhole(file)) this.#files++
  }

  #isWhole (file: number): boolean {
    const { layout } = this.#options.selection
    const [firstPiece, endPiece] = [layout.firstPieceOf(file), layout.firstPieceOf(file + 1)]
    return endPiece > firstPiece && this.#windows.good.firstGapFrom(firstPiece) >= endPiece
  }
}
