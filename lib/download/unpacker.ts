/**
 * Part files of a folder are taken apart in threads while others are on their way. What somebody else may still
 * write to the tree waits until nobody can.
 */
import pLimit from 'p-limit'
import type { Layout } from '../content/layout.js'
import { bytesOf } from '../content/layout.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { Windows } from '../disk/windows.js'
import { MiB } from '../protocol/units.js'
import { dropPartFile } from './part-place.js'

/** Part files that are unpacked at once: more would wait for the same disk. What is in them takes its room twice. */
export const TASKS = 2
/** What waits to be unpacked: with more nothing new is fetched. */
const WAITING_BYTES = 256 * MiB

export interface UnpackerOptions {
  layout: Layout
  windows: Windows
  /** These pieces, out of the part file that the run is in. */
  unpack: (run: PlacedRun) => Promise<void>
  /** Told before the part file goes that these pieces are in the tree. */
  onUnpacked: (run: PlacedRun) => void
}

export class Unpacker {
  readonly #options: UnpackerOptions
  readonly #limit = pLimit(TASKS)
  /** Part files with pieces that are not in the tree yet. */
  readonly #waiting = new Set<PlacedRun>()
  readonly #unpacking = new Set<Promise<void>>()
  #failure: unknown
  #isClosed = false

  constructor (options: UnpackerOptions) {
    this.#options = options
  }

  get isBehind (): boolean {
    let bytes = 0
    for (const run of this.#waiting) bytes += this.#bytesOf(run)
    return bytes > WAITING_BYTES
  }

  get failure (): unknown {
    return this.#failure
  }

  /** Takes pieces that are in a part file, which will not be written to any more. */
  add (run: PlacedRun): void {
    this.#waiting.add(run)
    this.#takeUp(run)
  }

  /** Pieces may have been given back. */
  look (): void {
    for (const run of this.#waiting) this.#takeUp(run)
  }

  /** When nothing is under way any more. */
  async settle (): Promise<void> {
    while (this.#unpacking.size > 0) await Promise.all(this.#unpacking)
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await this.settle()
  }

  #takeUp (run: PlacedRun): void {
    const { windows } = this.#options
    for (const range of this.#lacking(run)) if (windows.take(range)) this.#begin({ ...run, ...range })
    if (!this.#lacking(run).next().done) return
    this.#waiting.delete(run)
    this.#track(dropPartFile(run))
  }

  /** Those pieces that are not in the tree, in runs. */
  * #lacking ({ firstPiece, endPiece }: PieceRange): Generator<PieceRange, void> {
    const { good } = this.#options.windows
    for (let piece = good.firstGapFrom(firstPiece); piece < endPiece;) {
      const end = Math.min(endPiece, good.firstFrom(piece))
      yield { firstPiece: piece, endPiece: end }
      piece = good.firstGapFrom(end)
    }
  }

  #begin (run: PlacedRun): void {
    this.#track(this.#limit(async () => await this.#unpackNow(run)).catch((error: unknown) => { this.#failure ??= error }))
  }

  async #unpackNow (run: PlacedRun): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    const { windows, unpack, onUnpacked } = this.#options
    await unpack(run)
    windows.keep(run)
    onUnpacked(run)
    this.look()
  }

  #track (work: Promise<void>): void {
    const tracked = work.finally(() => { this.#unpacking.delete(tracked) })
    this.#unpacking.add(tracked)
  }

  #bytesOf (run: PieceRange): number {
    const { start, end } = bytesOf(this.#options.layout, run)
    return end - start
  }
}
