/**
 * Puts part files together, in order, while later ones are still being fetched.
 *
 * The part file that begins with piece 0 becomes the beginning of the target; the others are
 * appended to it when their turn has come, the next read under way while the last is written, and
 * removed as soon as they are in. Killed at any moment, what is there is still a part file.
 */
import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { atDisk } from './at-disk.js'
import { Copier } from './copy-bytes.js'
import { toDiskError } from './disk-error.js'
import { PieceSet } from '../content/piece-set.js'
import type { PlacedRun } from '../content/run.js'
import { bytesOfPieces, pieceCount, type Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { Flusher } from './flusher.js'
import { unpromisedBytes } from './room.js'
import type { Run } from '../content/run.js'

export class Glue {
  readonly #content: Content
  readonly #zeros: PieceSet
  readonly #onAppended: (run: PlacedRun) => void
  /** Runs whose turn has not come, and those that turn out to hold nothing new. */
  readonly #waiting: Run[] = []
  #target: FileHandle | undefined
  #targetPath = ''
  /** Of the target, or of the part that is about to become it. */
  #flusher: Flusher | undefined
  /** The first piece that is not in the target yet. */
  #piece = 0
  #isClosed = false
  readonly #copier = new Copier()
  /** The appends so far, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #failure: unknown

  /**
   * @param onAppended told before the part file goes that its pieces are in the target now
   * @param zeros pieces of zeros, which need not come in a part file; but the first piece of all has to
   */
  constructor (content: Content, onAppended: (run: PlacedRun) => void = () => {}, zeros = new PieceSet(0)) {
    this.#content = content
    this.#zeros = zeros
    this.#onAppended = onAppended
  }

  /** The first piece that is not in the target yet. */
  get piece (): number {
    return this.#piece
  }

  /** Takes a run that is complete and will not be written to any more. */
  add (run: Run): void {
    this.#waiting.push(run)
    this.#work = this.#work.then(async () => await this.#appendWhatFits()).catch((error: unknown) => { this.#failure ??= error })
  }

  /** The part that will be the beginning has so many bytes, and more to come. */
  begins (path: string, bytes: number): void {
    if (this.#target !== undefined || this.#isClosed) return
    this.#flusher ??= new Flusher(path)
    if (this.#flusher.path === path) this.#flusher.grow(bytes)
  }

  /**
   * The path of the target, with every piece in it and on the disk.
   *
   * @throws E_DISK_FULL, E_IO; E_INTERNAL if a piece is missing, which would be a defect.
   */
  async finish (): Promise<string> {
    await this.#work
    if (this.#failure !== undefined) throw toDiskError(this.#failure, 'cannot glue the parts')
    const { size } = this.#content
    if (this.#piece !== pieceCount(this.#content) || this.#target === undefined) {
      throw new PiecemealError('E_INTERNAL', `piece ${this.#piece} is missing after the last part`)
    }
    try {
      await this.#flusher?.settle()
      const target = this.#target
      const written = (await atDisk(async () => await target.stat())).size
      if (written < size) throw new PiecemealError('E_INTERNAL', `the target has ${written} bytes instead of ${size}`)
      if (written > size) await atDisk(async () => await target.truncate(size))
      await atDisk(async () => await target.sync())
      this.#target = undefined
      await target.close()
    } catch (error) {
      throw toDiskError(error, 'cannot write the target')
    }
    this.#isClosed = true
    return this.#targetPath
  }

  /** What failed so far, so that a download need not fetch the rest first. */
  get failure (): unknown {
    return this.#failure
  }

  /** Stops after the chunk at hand. Safe to call twice. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.#copier.stop()
    await this.#work
    await this.#flusher?.settle()
    const target = this.#target
    this.#target = undefined
    // Whoever needs to know that all is written is told by finish().
    await target?.close().catch(() => {})
  }

  async #appendWhatFits (): Promise<void> {
    for (;;) {
      if (this.#isClosed) break
      if (this.#target !== undefined && this.#zeros.has(this.#piece)) await this.#appendHole(this.#target)
      const run = this.#waiting.find((waiting) => this.#isNext(waiting))
      if (run === undefined) break
      this.#waiting.splice(this.#waiting.indexOf(run), 1)
      if (this.#target === undefined) await this.#begin(run)
      else await this.#append(this.#target, run)
    }
    if (this.#isClosed) return
    const useless = this.#waiting.filter(({ endPiece }) => endPiece <= this.#piece)
    for (const run of useless) {
      this.#waiting.splice(this.#waiting.indexOf(run), 1)
      await atDisk(async () => await rm(run.path, { force: true }))
    }
  }

  /** It has the piece that comes next; or it is the one empty part of an empty file. */
  #isNext ({ firstPiece, endPiece }: Run): boolean {
    return firstPiece <= this.#piece && (endPiece > this.#piece || (this.#target === undefined && this.#content.size === 0))
  }

  async #begin ({ path, endPiece }: Run): Promise<void> {
    const target = this.#target = await atDisk(async () => await open(path, constants.O_RDWR | constants.O_NOFOLLOW))
    this.#targetPath = path
    // What comes behind the good pieces are bytes that nobody has checked; zeros are left out from here on.
    const { end } = bytesOfPieces(this.#content, 0, endPiece)
    await atDisk(async () => await target.truncate(end))
    this.#piece = endPiece
    if (this.#flusher?.path !== path) {
      await this.#flusher?.settle()
      this.#flusher = new Flusher(path)
    }
    this.#flusher.grow(end)
  }

  async #append (target: FileHandle, { path, firstPiece, endPiece }: Run): Promise<void> {
    const { start, end } = bytesOfPieces(this.#content, this.#piece, endPiece)
    const isTight = await atDisk(async () => await unpromisedBytes(dirname(path))) < end - start
    const source = await atDisk(async () => await open(path, (isTight ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW))
    try {
      const origin = bytesOfPieces(this.#content, firstPiece, endPiece).start
      if (isTight) await this.#move(source, origin, target, endPiece)
      else await this.#copier.copy({ file: source, at: start - origin }, { file: target, at: start, isBlank: true }, end - start)
    } finally {
      await source.close()
    }
    if (this.#isClosed) return
    // It may end in zeros.
    await atDisk(async () => await target.truncate(end))
    this.#onAppended({ firstPiece: this.#piece, endPiece, path: this.#targetPath, originPiece: 0, isMoved: true })
    await atDisk(async () => await rm(path, { force: true }))
    this.#piece = endPiece
    this.#flusher?.grow(end)
  }

  async #appendHole (target: FileHandle): Promise<void> {
    const firstPiece = this.#piece
    const endPiece = this.#zeros.firstGapFrom(firstPiece)
    await atDisk(async () => await target.truncate(bytesOfPieces(this.#content, firstPiece, endPiece).end))
    this.#onAppended({ firstPiece, endPiece, path: this.#targetPath, originPiece: 0, isMoved: true })
    this.#piece = endPiece
  }

  /**
   * Where there is no room for all of it twice: piece by piece from the end, and what is copied is cut
   * off. Killed meanwhile, the pieces behind the gap have to be fetched again.
   */
  async #move (source: FileHandle, origin: number, target: FileHandle, endPiece: number): Promise<void> {
    for (let piece = endPiece - 1; piece >= this.#piece; piece--) {
      const { start, end } = bytesOfPieces(this.#content, piece, piece + 1)
      await this.#copier.copy({ file: source, at: start - origin }, { file: target, at: start, isBlank: true }, end - start)
      if (this.#isClosed) return
      this.#onAppended({ firstPiece: piece, endPiece: piece + 1, path: this.#targetPath, originPiece: 0, isMoved: true })
      await atDisk(async () => await source.truncate(start - origin))
    }
  }
}
