/**
 * The hidden file that is to be the target, where the file system has holes: each part's thread
 * writes its pieces at their place in it, so they need not be glued.
 *
 * What lies in part files all the same is copied in: what an earlier run left, and pieces that were
 * fetched while somebody else might still have written to their window.
 */
import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { atDisk } from './at-disk.js'
import { Copier } from './copy-bytes.js'
import { toDiskError } from './disk-error.js'
import { Flusher } from './flusher.js'
import { unpromisedBytes } from './room.js'
import { Windows } from './windows.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import { bytesOfPieces, pieceCount, type Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'

export interface WindowedFileOptions {
  content: Content
  path: string
  /** Good pieces that are in the file already; none if it is to be made. */
  runs: readonly PieceRange[]
  /** Told before a part file goes that its pieces are in this file now. */
  onMoved: (run: PlacedRun) => void
}

export class WindowedFile {
  readonly path: string
  readonly windows: Windows
  readonly #content: Content
  readonly #handle: FileHandle
  readonly #flusher: Flusher
  readonly #onMoved: (run: PlacedRun) => void
  readonly #copier = new Copier()
  /** Part files that have pieces for it. */
  #waiting: PlacedRun[] = []
  /** The copying so far, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #failure: unknown
  #isClosed = false

  /** @throws E_DISK_FULL, E_IO. */
  static async open (options: WindowedFileOptions): Promise<WindowedFile> {
    const { path, content, runs } = options
    const make = runs.length > 0 ? 0 : constants.O_CREAT | constants.O_EXCL
    try {
      const handle = await atDisk(async () => await open(path, constants.O_RDWR | constants.O_NOFOLLOW | make))
      try {
        // One hole, to begin with: also what nobody ever writes can be read.
        await atDisk(async () => await handle.truncate(content.size))
        return new WindowedFile(options, handle)
      } catch (error) {
        await handle.close()
        throw error
      }
    } catch (error) {
      throw toDiskError(error, 'cannot make the target')
    }
  }

  private constructor ({ content, path, runs, onMoved }: WindowedFileOptions, handle: FileHandle) {
    this.path = path
    this.windows = new Windows(pieceCount(content), runs.length === 0)
    for (const run of runs) this.windows.keep(run)
    this.#content = content
    this.#handle = handle
    this.#flusher = new Flusher(path)
    this.#onMoved = onMoved
  }

  /** Takes pieces that are in a part file, which will not be written to any more. */
  add (run: PlacedRun): void {
    this.#waiting.push(run)
    this.#copyIn()
  }

  /** There are so many bytes of the content by now. */
  grow (bytes: number): void {
    if (!this.#isClosed) this.#flusher.grow(bytes)
  }

  /** What failed so far, so that a download need not fetch the rest first. */
  get failure (): unknown {
    return this.#failure
  }

  /**
   * With every piece in it and on the disk. Nobody writes to a window any more.
   *
   * @throws E_DISK_FULL, E_IO; E_INTERNAL if a piece is missing, which would be a defect.
   */
  async finish (): Promise<void> {
    this.#copyIn()
    await this.#work
    if (this.#failure !== undefined) throw toDiskError(this.#failure, 'cannot join the parts')
    const missing = this.windows.good.firstGapFrom(0)
    if (missing < pieceCount(this.#content)) throw new PiecemealError('E_INTERNAL', `piece ${missing} is missing after the last part`)
    const { size } = this.#content
    try {
      await this.#flusher.settle()
      if ((await atDisk(async () => await this.#handle.stat())).size !== size) await atDisk(async () => await this.#handle.truncate(size))
      await atDisk(async () => await this.#handle.sync())
      this.#isClosed = true
      await this.#handle.close()
    } catch (error) {
      throw toDiskError(error, 'cannot write the target')
    }
  }

  /** Stops after the chunk at hand; a file without any good piece goes. Nobody writes to a window any more. Safe to call twice. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#copier.stop()
    await this.#work
    await this.#flusher.settle()
    // Whoever needs to know that all is written is told by finish().
    await this.#handle.close().catch(() => {})
    // What stays of it is removed with the workspace.
    if (this.windows.good.size === 0) await atDisk(async () => await rm(this.path, { force: true })).catch(() => {})
  }

  #copyIn (): void {
    this.#work = this.#work.then(async () => await this.#copyAll()).catch((error: unknown) => { this.#failure ??= error })
  }

  async #copyAll (): Promise<void> {
    for (const run of [...this.#waiting]) {
      if (this.#isClosed) return
      if (this.#lacksSomeOf(run)) await this.#copyFrom(run)
      if (this.#lacksSomeOf(run)) continue
      this.#waiting = this.#waiting.filter((other) => other !== run)
      if (!this.#waiting.some(({ path }) => path === run.path)) await atDisk(async () => await rm(run.path, { force: true }))
    }
  }

  #lacksSomeOf ({ firstPiece, endPiece }: PieceRange): boolean {
    return this.windows.good.firstGapFrom(firstPiece) < endPiece
  }

  /**
   * Those pieces that nobody else may be writing, the last one first: where there is no room for all of
   * them twice, what is copied is cut off.
   */
  async #copyFrom ({ path, firstPiece, endPiece, originPiece }: PlacedRun): Promise<void> {
    const { start, end } = bytesOfPieces(this.#content, firstPiece, endPiece)
    const isTight = await atDisk(async () => await unpromisedBytes(dirname(path))) < end - start
    const source = await atDisk(async () => await open(path, (isTight ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW))
    let isCutOff = true
    try {
      for (let piece = endPiece - 1; piece >= firstPiece; piece--) {
        const range = { firstPiece: piece, endPiece: piece + 1 }
        const isBlank = this.windows.isBlank(range)
        if (this.windows.take(range)) {
          await this.#copy(source, originPiece, range, isBlank).catch((error: unknown) => {
            this.windows.giveBack(range)
            throw error
          })
          if (this.#isClosed) return
          this.windows.keep(range)
          this.#onMoved({ ...range, path: this.path, originPiece: 0, isMoved: true })
        }
        isCutOff &&= this.windows.good.has(piece)
        if (isTight && isCutOff) await atDisk(async () => await source.truncate((piece - originPiece) * this.#content.pieceLength))
      }
    } finally {
      await source.close()
    }
  }

  async #copy (source: FileHandle, originPiece: number, { firstPiece, endPiece }: PieceRange, isBlank: boolean): Promise<void> {
    const { start, end } = bytesOfPieces(this.#content, firstPiece, endPiece)
    await this.#copier.copy({ file: source, at: start - originPiece * this.#content.pieceLength }, { file: this.#handle, at: start, isBlank }, end - start)
  }
}
