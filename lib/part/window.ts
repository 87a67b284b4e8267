/**
 * Writes bytes of pieces where they belong in a file. Zeros stay a hole where nothing was ever written; where
 * an earlier part, or run, may have left its bytes each piece is looked at first, and zeros are written like all else.
 */
import type { Layout } from '../content/layout.js'
import { Holes } from '../disk/holes.js'
import { writeDataSync, writeFullySync } from '../disk/write-fully.js'

export interface WindowOptions {
  layout: Pick<Layout, 'offsetOf'>
  /** Which of the layout's bytes stands at the beginning of the file. */
  origin: number
  /** The first piece that is written. */
  firstPiece: number
  /** Whether nothing was ever written there. */
  isBlank: boolean
}

export class Window {
  readonly #fd: number
  readonly #layout: WindowOptions['layout']
  readonly #origin: number
  readonly #isBlank: boolean
  readonly #holes: Holes | undefined
  /** The first piece that was not looked at, as nothing of it was written yet. */
  #nextPiece: number
  /** Whether the piece before it was a hole. */
  #isInHole = false

  constructor (fd: number, { layout, origin, firstPiece, isBlank }: WindowOptions) {
    this.#fd = fd
    this.#layout = layout
    this.#origin = origin
    this.#isBlank = isBlank
    this.#holes = isBlank ? undefined : Holes.of(fd)
    this.#nextPiece = firstPiece
  }

  /** Bytes that follow one another. @returns whether the last of them are a hole, which may make the file longer yet @throws E_DISK_FULL, E_IO. */
  write (bytes: Buffer, position: number): boolean {
    if (this.#isBlank || this.#isHole(position, position + bytes.length)) return writeDataSync(this.#fd, bytes, position)
    writeFullySync(this.#fd, bytes, position)
    return false
  }

  /** The file itself is the caller's. */
  close (): void {
    this.#holes?.close()
  }

  /** Whether all pieces that these bytes are in were holes before the part began with them. */
  #isHole (start: number, end: number): boolean {
    let areHoles = start === this.#startOf(this.#nextPiece) || this.#isInHole
    for (; this.#startOf(this.#nextPiece) < end; this.#nextPiece++) {
      this.#isInHole = this.#holes?.has(this.#startOf(this.#nextPiece), this.#startOf(this.#nextPiece + 1)) ?? false
      areHoles &&= this.#isInHole
    }
    return areHoles
  }

  /** Where a piece begins in the file. */
  #startOf (piece: number): number {
    return this.#layout.offsetOf(piece) - this.#origin
  }
}
