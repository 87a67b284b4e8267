/**
 * An open file of a share: nothing is read of it but pieces that were digested as the file is now.
 *
 * Whether it still is as it was is asked after each read, so bytes that were written meanwhile are
 * never taken for those that were announced. Where anything about it has changed, its pieces are
 * looked at again before they are sent, and go on to be sent if they are the same. What is open stays
 * readable when another file takes its place. Runs in the thread that serves and does nothing else,
 * so its file calls are synchronous.
 */
import { closeSync, readSync } from 'node:fs'
import { setImmediate as othersTurn } from 'node:timers/promises'
import { Blake3Hasher } from '@napi-rs/blake-hash'
import type { PieceSet } from '../content/piece-set.js'
import { identifySync, isSameFile, type FileIdentity } from '../disk/own-file.js'
import { toDiskError } from '../disk/disk-error.js'
import { bytesOfPieces, PIECE_DIGEST_BYTES } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { MiB } from '../protocol/units.js'
import { changed, isInPlaceSync, openShareSync } from './open-share.js'
import type { Share } from './share-index.js'
import type { Trust } from './trust.js'

/** After so many looks at a file that changes under each, the peer is told to come again later. */
const MOST_LOOKS = 5

/** Of all files: what was read into it is hashed before anybody else has a turn. */
const buffer = Buffer.allocUnsafeSlow(MiB)

export interface SharedFileOptions {
  share: Share
  trust: Trust
  /** Its bytes are not what was announced. */
  onChanged: (share: Share) => void
  /** Something about it is not as it was; its bytes may be. */
  onSuspect: (share: Share) => void
  /** The disk does not give a piece. Resolves when all that may be asked know of it. */
  onUnreadable: (share: Share, piece: number, error: PiecemealError) => Promise<void>
}

export class SharedFile {
  readonly #options: SharedFileOptions
  readonly #fd: number
  #identity: FileIdentity
  #good: PieceSet
  readonly #lacks: Set<number>
  #told: Promise<void> | undefined

  /** @throws E_CHANGED if it can't be what was announced; E_LIMIT, E_IO, which say nothing about it. */
  constructor (options: SharedFileOptions) {
    const { share, trust, onChanged, onSuspect } = options
    this.#options = options
    try {
      const { fd, identity } = openShareSync(share)
      this.#fd = fd
      this.#identity = identity
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') onChanged(share)
      throw error
    }
    this.#good = trust.in(this.#identity)
    this.#lacks = new Set(share.lacks)
    if (!isSameFile(this.#identity, share.identity)) onSuspect(share)
  }

  /** Resolves when all that may be asked know what could not be read. */
  async close (): Promise<void> {
    closeSync(this.#fd)
    await this.#told
  }

  /**
   * Makes sure that a byte is good, and with it the rest of its piece.
   *
   * @returns where the bytes that are known to be good end
   * @throws E_NOT_SHARED if the disk does not give it; E_CHANGED, E_BUSY.
   */
  async look (position: number): Promise<number> {
    const { pieceLength, size } = this.#options.share
    if (position >= size) return size
    const piece = Math.floor(position / pieceLength)
    if (this.#lacks.has(piece)) throw this.#lacking(piece)
    for (let looks = 0; !this.#good.has(piece); looks++) {
      if (looks === MOST_LOOKS) throw this.#unsettled()
      await this.#digest(piece)
    }
    return Math.min(size, this.#good.firstGapFrom(piece) * pieceLength)
  }

  /** Reads good bytes. @returns how many, at least one @throws as `look`. */
  async read (into: Buffer, length: number, position: number): Promise<number> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const goodEnd = await this.look(position)
      const bytesRead = this.#read(into, Math.min(length, goodEnd - position), position)
      if (this.#isAsItWas()) return bytesRead
    }
    throw this.#unsettled()
  }

  /** A piece that was digested while the file changed is neither good nor bad. */
  async #digest (piece: number): Promise<void> {
    const { share } = this.#options
    const hasher = new Blake3Hasher()
    const { start, end } = bytesOfPieces(share, piece, piece + 1)
    for (let at = start; at < end;) {
      const bytesRead = this.#read(buffer, Math.min(buffer.length, end - at), at)
      hasher.update(buffer.subarray(0, bytesRead))
      at += bytesRead
      if (at < end) await othersTurn()
    }
    if (!this.#isAsItWas()) return
    const announced = share.pieces.subarray(piece * PIECE_DIGEST_BYTES, (piece + 1) * PIECE_DIGEST_BYTES)
    if (!hasher.digestBuffer().equals(announced)) throw this.#isChanged()
    this.#good.add(piece)
  }

  #read (into: Buffer, length: number, position: number): number {
    const { share, onUnreadable } = this.#options
    let bytesRead
    try {
      bytesRead = readSync(this.#fd, into, 0, length, position)
    } catch (cause) {
      const piece = Math.floor(position / share.pieceLength)
      this.#lacks.add(piece)
      this.#told = onUnreadable(share, piece, toDiskError(cause, `cannot read ${quote(share.path)} at byte ${position}`))
      throw this.#lacking(piece)
    }
    if (bytesRead === 0) throw this.#isChanged()
    return bytesRead
  }

  #isAsItWas (): boolean {
    const identity = identifySync(this.#fd)
    if (isSameFile(identity, this.#identity)) return true
    this.#identity = identity
    this.#good = this.#options.trust.in(identity)
    this.#options.onSuspect(this.#options.share)
    return false
  }

  /** What is open is wrong. If another file has taken its place, that one may be right, and is looked at. */
  #isChanged (): PiecemealError {
    const { share, onChanged, onSuspect } = this.#options
    if (isInPlaceSync(share, this.#identity)) onChanged(share)
    else onSuspect(share)
    return changed(share)
  }

  #lacking (piece: number): PiecemealError {
    return new PiecemealError('E_NOT_SHARED', `piece ${piece} of ${quote(this.#options.share.filename)} can't be read here any more`)
  }

  #unsettled (): PiecemealError {
    return new PiecemealError('E_BUSY', `${quote(this.#options.share.filename)} is being written to; try again later`)
  }
}
