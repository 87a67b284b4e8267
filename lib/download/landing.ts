/**
 * What becomes of the parts that come. Usually there are many, and each is written at its place in
 * one hidden file; where a file system has no holes they have files of their own, which are glued
 * while others are on their way. A content of one piece has one part: that is the file, and its
 * thread names it.
 */
import type { PieceList } from '../content/digest.js'
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import { toDiskError } from '../disk/disk-error.js'
import { Glue } from '../disk/glue.js'
import type { FileIdentity } from '../disk/own-file.js'
import { makeHole } from '../disk/single-piece.js'
import { fullestFromStart } from '../disk/fullest-file.js'
import { WindowedFile } from '../disk/windowed-file.js'
import type { Workspace } from '../disk/workspace.js'
import type { WholeFile } from '../part/part-task.js'
import type { Content } from '../protocol/content.js'
import { dropPartFile, ownFile, type PartPlace } from './part-place.js'

export interface Landed {
  pieces: PieceList
  /** The joined or glued, and synced, file; none if it has its name already. */
  path?: string
  identity?: FileIdentity
}

export interface Landing {
  /** Whether how far a part has come says anything. */
  readonly isGradual: boolean
  /** The path that a part's thread gives its file, if that is all of it. */
  readonly target: string | undefined
  /** Whether what has come waits for the disk, so that nothing more is to be fetched for now. */
  readonly isBehind?: boolean
  /** Whether it is complete, though parts may still run. */
  readonly isOver: boolean
  /** What is there already: what an earlier run left, and pieces of zeros. To be called once, before anything else. @throws E_DISK_FULL, E_IO. */
  takeUp: (runs: readonly PlacedRun[]) => Promise<void>
  /** For a part that is about to be fetched. */
  placeFor: (range: PieceRange) => PartPlace
  /** The part's thread writes nothing from this piece on. */
  shortened: (place: PartPlace, endPiece: number) => void
  /** A part at the front of the content has so many bytes. */
  begins: (path: string, receivedBytes: number) => void
  /** All parts together have brought so many bytes. */
  grows: (bytes: number) => void
  /** The part's thread has ended; `run` is what it has brought, if only nothing. */
  ended: (place: PartPlace, run: PlacedRun) => Promise<void>
  /** The only piece is there, under its name. */
  arrived: (file: WholeFile) => void
  /** @throws E_DISK_FULL, E_IO if what has come can't be put together. */
  throwOnFailure: () => void
  finish: () => Promise<Landed>
  close: () => Promise<void>
}

export interface LandingOptions {
  content: Content & { filename: string }
  pieces: PieceList | undefined
  zeros: PieceSet
  target: string
  inWindows: boolean
  workspace: Pick<Workspace, 'newPartFile'>
  onGood: ((run: PlacedRun) => void) | undefined
}

export function landingOf (options: LandingOptions): Landing {
  const { pieces, inWindows, content } = options
  // Of a single piece no more than the digest of the whole is known, unless it is of zeros.
  if (pieces === undefined) return new OneFile(options)
  return inWindows && content.size > 0 ? new JoinedParts(options) : new GluedParts(options)
}

class JoinedParts implements Landing {
  readonly isGradual = true
  readonly isOver = false
  readonly target = undefined
  readonly #options: LandingOptions
  #opened: WindowedFile | undefined

  constructor (options: LandingOptions) {
    this.#options = options
  }

  /** Of the files that begin with the first piece the one that has most is gone on with; what is in others is copied into it. */
  async takeUp (runs: readonly PlacedRun[]): Promise<void> {
    const { content, zeros, workspace, onGood = () => {} } = this.#options
    const path = fullestFromStart(runs, zeros) ?? workspace.newPartFile(0)
    const isInIt = (run: PlacedRun): boolean => run.path === path
    this.#opened = await WindowedFile.open({ content, path, runs: runs.filter(isInIt), onMoved: onGood })
    for (const range of zeros.ranges()) {
      this.#file.windows.keep(range)
      onGood({ ...range, path, originPiece: 0 })
    }
    for (const run of runs.filter((run) => !isInIt(run))) this.#file.add(run)
  }

  get #file (): WindowedFile {
    if (this.#opened === undefined) throw new Error('not taken up yet')
    return this.#opened
  }

  placeFor ({ firstPiece, endPiece }: PieceRange): PartPlace {
    const { path, windows } = this.#file
    const isBlank = windows.isBlank({ firstPiece, endPiece })
    if (windows.take({ firstPiece, endPiece })) return { firstPiece, endPiece, path, originPiece: 0, isWindow: true, isBlank }
    return ownFile(this.#options.workspace, { firstPiece, endPiece })
  }

  shortened (place: PartPlace, endPiece: number): void {
    if (place.isWindow) this.#file.windows.giveBack({ firstPiece: endPiece, endPiece: place.endPiece })
    place.endPiece = Math.min(place.endPiece, endPiece)
  }

  begins (): void {}

  grows (bytes: number): void {
    this.#file.grow(bytes)
  }

  async ended (place: PartPlace, run: PlacedRun): Promise<void> {
    if (place.isWindow) {
      this.#file.windows.keep(run)
      this.shortened(place, run.endPiece)
    } else if (run.endPiece > run.firstPiece) this.#file.add(run)
    else await dropPartFile(place)
  }

  arrived (): void {}

  throwOnFailure (): void {
    if (this.#opened?.failure !== undefined) throw toDiskError(this.#opened.failure, 'cannot join the parts')
  }

  async finish (): Promise<Landed> {
    await this.#file.finish()
    return { pieces: this.#options.pieces ?? Buffer.alloc(0), path: this.#file.path }
  }

  async close (): Promise<void> {
    await this.#opened?.close()
  }
}

class GluedParts implements Landing {
  readonly isGradual = true
  readonly isOver = false
  readonly target = undefined
  readonly #options: LandingOptions
  readonly #glue: Glue

  constructor (options: LandingOptions) {
    this.#options = options
    this.#glue = new Glue(options.content, options.onGood, options.zeros)
  }

  /** What begins with zeros, or has no byte at all, begins with a part that is a hole. */
  async takeUp (runs: readonly PlacedRun[]): Promise<void> {
    for (const run of runs) this.#glue.add(run)
    const { content, zeros, workspace, onGood } = this.#options
    const endPiece = zeros.firstGapFrom(0)
    if (endPiece === 0 && content.size > 0) return
    const hole = await makeHole(workspace.newPartFile(0), content, endPiece)
    onGood?.(hole)
    this.#glue.add(hole)
  }

  placeFor (range: PieceRange): PartPlace {
    return ownFile(this.#options.workspace, range)
  }

  shortened (): void {}

  begins (path: string, receivedBytes: number): void {
    this.#glue.begins(path, receivedBytes)
  }

  grows (): void {}

  async ended (place: PartPlace, run: PlacedRun): Promise<void> {
    if (run.endPiece > run.firstPiece) this.#glue.add(run)
    else await dropPartFile(place)
  }

  arrived (): void {}

  throwOnFailure (): void {
    if (this.#glue.failure !== undefined) throw toDiskError(this.#glue.failure, 'cannot glue the parts')
  }

  async finish (): Promise<Landed> {
    return { pieces: this.#options.pieces ?? Buffer.alloc(0), path: await this.#glue.finish() }
  }

  async close (): Promise<void> {
    await this.#glue.close()
  }
}

class OneFile implements Landing {
  readonly isGradual = false
  readonly target: string
  readonly #workspace: LandingOptions['workspace']
  #file: WholeFile | undefined

  constructor ({ target, workspace }: LandingOptions) {
    this.target = target
    this.#workspace = workspace
  }

  /** If two owners bring the file at once, one of their threads is the first; the other finds the name taken. */
  get isOver (): boolean {
    return this.#file !== undefined
  }

  async takeUp (): Promise<void> {}

  placeFor (range: PieceRange): PartPlace {
    return ownFile(this.#workspace, range)
  }

  shortened (): void {}

  begins (): void {}

  grows (): void {}

  async ended (place: PartPlace, run: PlacedRun): Promise<void> {
    if (run.endPiece === run.firstPiece) await dropPartFile(place)
  }

  arrived (file: WholeFile): void {
    this.#file ??= file
  }

  throwOnFailure (): void {}

  async finish (): Promise<Landed> {
    if (this.#file === undefined) throw new Error('not there yet')
    return await Promise.resolve(this.#file)
  }

  async close (): Promise<void> {}
}
