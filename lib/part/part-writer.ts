/**
 * Writes what has come of a part. Zeros stay a hole where nothing was ever written; where an earlier
 * part, or run, may have left its bytes each piece is looked at first, and zeros are written like all else.
 */
import { closeSync } from 'node:fs'
import { Holes } from '../disk/holes.js'
import { identifySync, type FileIdentity } from '../disk/own-file.js'
import { syncFully, writeFullySync, writeSparseSync } from '../disk/write-fully.js'
import { RunLayout } from '../content/layout.js'
import { openPartFile } from './part-file.js'
import type { PartTask } from './part-task.js'

export class PartWriter {
  readonly #fd: number
  readonly #task: PartTask
  readonly #layout: RunLayout
  /** Where the part begins in the file. */
  readonly #start: number
  readonly #holes: Holes | undefined
  /** The first piece that was not looked at, as nothing of it was written yet. */
  #nextPiece: number
  /** Whether the piece before it was a hole. */
  #isInHole = false

  /** @throws E_DISK_FULL, E_IO, E_LIMIT. */
  constructor (task: PartTask) {
    this.#fd = openPartFile(task)
    this.#task = task
    this.#layout = new RunLayout(task.offsets, task.firstPiece)
    this.#start = this.#layout.offsetOf(task.firstPiece) - task.origin
    this.#holes = task.isBlank ? undefined : Holes.of(this.#fd)
    this.#nextPiece = task.firstPiece
  }

  /** Bytes that follow one another. @param at where in the part @throws E_DISK_FULL, E_IO. */
  write (bytes: Buffer, at: number): void {
    const isBlank = this.#task.isBlank || this.#isHole(at, at + bytes.length)
    const write = isBlank ? writeSparseSync : writeFullySync
    write(this.#fd, bytes, this.#start + at)
  }

  /** Returns when all of it is on the disk. @throws E_DISK_FULL, E_IO. */
  sync (): void {
    syncFully(this.#fd)
  }

  /** The file as it is now. */
  get identity (): FileIdentity {
    return identifySync(this.#fd)
  }

  close (): void {
    this.#holes?.close()
    closeSync(this.#fd)
  }

  /** Whether all pieces that these bytes of the part are in were holes before the part began with them. */
  #isHole (start: number, end: number): boolean {
    let areHoles = this.#start + start === this.#startOf(this.#nextPiece) || this.#isInHole
    for (; this.#startOf(this.#nextPiece) < this.#start + end; this.#nextPiece++) {
      this.#isInHole = this.#holes?.has(this.#startOf(this.#nextPiece), this.#startOf(this.#nextPiece + 1)) ?? false
      areHoles &&= this.#isInHole
    }
    return areHoles
  }

  /** Where a piece begins in the file. */
  #startOf (piece: number): number {
    return this.#layout.offsetOf(piece) - this.#task.origin
  }
}
