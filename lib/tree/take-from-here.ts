/**
 * Pieces that are wanted and lie somewhere on this machine, in what this node shares or has begun to
 * download, are taken from there. Where that is counts for nothing, only digests do: a file that has
 * changed since is one more that does not have the piece. Runs in a worker thread.
 *
 * A piece is read, checked and then written, so that nothing wrong ever stands where it belongs; a
 * whole file is cloned beside, where the file system can do that, and the clone is checked.
 */
import { closeSync, constants, copyFileSync, fchmodSync, fstatSync, lstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { blake3 } from '@napi-rs/blake-hash'
import { PieceIndex } from '../content/piece-index.js'
import { PieceSet } from '../content/piece-set.js'
import { digestPieces } from '../disk/digest-pieces.js'
import { toDiskError } from '../disk/disk-error.js'
import { writeFullySync, writeSparseSync } from '../disk/write-fully.js'
import { PIECE_DIGEST_BYTES, pieceLengthFor } from '../protocol/content.js'
import { MiB } from '../protocol/units.js'
import { Pieces, type PiecedFiles, type Place, type WholeFile } from './pieced-files.js'
import { TreeControl } from './tree-control.js'

/** Where pieces may be. */
export interface Here {
  files: PiecedFiles
  /** Which of its pieces are there, as on the wire; all if left out. */
  have?: Uint8Array
}

export interface HereTask {
  wanted: PiecedFiles
  /** Which of its pieces are to be had, as on the wire. */
  pieces: Uint8Array
  /** Whether nothing was ever written where they belong, so that zeros stay holes. */
  isBlank: boolean
  /** Where a file may be cloned to before it is checked; on the same file system, and not there. */
  clone: string
  places: readonly Here[]
  /** Of a `TreeControl`, which counts bytes. */
  control: SharedArrayBuffer
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const WRITE = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
/** A piece is in memory while it is checked. Larger ones, of files of more than 128 GiB, come from here in whole clones alone. */
const MOST_PIECE_BYTES = 16 * MiB

/** The pieces that are there now and good, by their numbers, ascending. @throws E_DISK_FULL, E_IO of where they belong; E_INTERRUPTED. */
export function takeFromHere (task: HereTask): Uint32Array {
  const taking = new Taking(task)
  try {
    for (const place of task.places) taking.from(place)
    return taking.taken
  } finally {
    taking.close()
  }
}

class Taking {
  readonly #task: HereTask
  readonly #control: TreeControl
  readonly #wanted: Pieces
  readonly #lacking: PieceSet
  readonly #index: PieceIndex
  readonly #taken: PieceSet
  readonly #target = new OpenFile(WRITE)
  readonly #source = new OpenFile(READ)
  #buffer = Buffer.alloc(0)
  /** Whether files can be cloned from the place that is looked at. */
  #mayClone = true

  constructor (task: HereTask) {
    this.#task = task
    this.#control = new TreeControl(task.control)
    this.#wanted = new Pieces(task.wanted)
    this.#lacking = PieceSet.fromBytes(task.pieces, this.#wanted.layout.pieceCount)
    this.#taken = new PieceSet(this.#lacking.pieceCount)
    this.#index = new PieceIndex(this.#wanted.digests, this.#lacking)
  }

  get taken (): Uint32Array {
    const pieces = new Uint32Array(this.#taken.size)
    for (let piece = this.#taken.firstFrom(0), at = 0; piece < this.#taken.pieceCount; piece = this.#taken.firstFrom(piece + 1)) pieces[at++] = piece
    return pieces
  }

  from ({ files, have }: Here): void {
    const there = new Pieces(files)
    const count = there.layout.pieceCount
    const mask = have && PieceSet.fromBytes(have, count)
    this.#mayClone = true
    for (let piece = 0; piece < count && this.#lacking.size > 0; piece++) {
      if (mask && !mask.has(piece)) continue
      for (const wanted of this.#index.find(there.digests, piece * PIECE_DIGEST_BYTES)) {
        if (!this.#lacking.has(wanted)) continue
        this.#control.goOn()
        if (!this.#cloneFile(there, piece, wanted)) this.#copy(there, piece, wanted)
      }
    }
  }

  close (): void {
    this.#source.close()
    this.#target.close()
  }

  #copy (there: Pieces, piece: number, wanted: number): void {
    const from = there.place(piece)
    const to = this.#wanted.place(wanted)
    if (from.bytes !== to.bytes || to.bytes > MOST_PIECE_BYTES) return
    if (this.#buffer.length < to.bytes) this.#buffer = Buffer.allocUnsafeSlow(Math.max(MiB, to.bytes))
    const bytes = this.#buffer.subarray(0, to.bytes)
    if (!this.#read(from, bytes) || this.#wanted.digests.compare(blake3(bytes), 0, PIECE_DIGEST_BYTES, wanted * PIECE_DIGEST_BYTES, (wanted + 1) * PIECE_DIGEST_BYTES) !== 0) return
    try {
      (this.#task.isBlank ? writeSparseSync : writeFullySync)(this.#target.open(to.path), bytes, to.position)
    } catch (error) {
      throw toDiskError(error, 'cannot write what is here already')
    }
    this.#take(wanted, wanted + 1)
  }

  /** @returns whether all of it was there; what can't be read is not */
  #read ({ path, position }: Place, into: Buffer): boolean {
    try {
      const fd = this.#source.open(path)
      for (let filled = 0; filled < into.length;) {
        const bytesRead = readSync(fd, into, filled, into.length - filled, position + filled)
        if (bytesRead === 0) return false
        filled += bytesRead
      }
      return true
    } catch {
      return false
    }
  }

  /** @returns whether the whole file that the piece is the first of was cloned, checked, and is where it belongs */
  #cloneFile (there: Pieces, piece: number, wanted: number): boolean {
    if (!this.#mayClone) return false
    const from = there.wholeFileAt(piece)
    const to = this.#wanted.wholeFileAt(wanted)
    if (from === undefined || from.size !== to?.size) return false
    const count = to.endPiece - wanted
    const isSame = there.digests.compare(this.#wanted.digests, wanted * PIECE_DIGEST_BYTES, to.endPiece * PIECE_DIGEST_BYTES, piece * PIECE_DIGEST_BYTES, (piece + count) * PIECE_DIGEST_BYTES) === 0
    if (!isSame) return false
    for (let other = wanted; other < to.endPiece; other++) if (!this.#lacking.has(other)) return false
    const { clone } = this.#task
    try {
      copyFileSync(`/proc/self/fd/${this.#source.open(from.path)}`, clone, constants.COPYFILE_FICLONE_FORCE)
      this.#mayClone = isCloneOf(clone, to, this.#wanted.digests.subarray(wanted * PIECE_DIGEST_BYTES, to.endPiece * PIECE_DIGEST_BYTES))
      if (!this.#mayClone) return false
      this.#target.close()
      renameSync(clone, to.path)
    } catch {
      // Where one can't be cloned none can; what else is wrong is seen when it is copied.
      this.#mayClone = false
      return false
    } finally {
      rmSync(clone, { force: true })
    }
    this.#take(wanted, to.endPiece)
    return true
  }

  #take (firstPiece: number, endPiece: number): void {
    this.#lacking.deleteRange(firstPiece, endPiece)
    this.#taken.addRange(firstPiece, endPiece)
    this.#control.reach(0, this.#wanted.layout.offsetOf(endPiece) - this.#wanted.layout.offsetOf(firstPiece))
  }
}

/** Read from the clone, not from what it was made of; it gets the bits that the file in its place has. */
function isCloneOf (clone: string, { path, size }: WholeFile, digests: Buffer): boolean {
  const fd = openSync(clone, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(fd).size !== size) return false
    fchmodSync(fd, (lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0o666 & ~process.umask()) & 0o777)
    return digestPieces({ fd, offset: 0, size, pieceLength: pieceLengthFor(size), firstPiece: 0, endPiece: digests.length / PIECE_DIGEST_BYTES }).equals(digests)
  } finally {
    closeSync(fd)
  }
}

/** The last file that was asked for: pieces mostly follow one another. */
class OpenFile {
  readonly #flags: number
  #opened: { path: string, fd: number } | undefined

  constructor (flags: number) {
    this.#flags = flags
  }

  open (path: string): number {
    if (this.#opened?.path === path) return this.#opened.fd
    this.close()
    const fd = openSync(path, this.#flags, 0o666)
    this.#opened = { path, fd }
    return fd
  }

  close (): void {
    if (this.#opened) closeSync(this.#opened.fd)
    this.#opened = undefined
  }
}
