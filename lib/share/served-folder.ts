/** A folder in the thread that serves: its files are opened one after the other as their bytes are asked for. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { FolderLayout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import { toDiskError } from '../disk/disk-error.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { FileEntry } from '../manifest/entry.js'
import { ManifestBytes } from '../manifest/manifest-bytes.js'
import { Manifest } from '../manifest/manifest.js'
import { pieceLengthFor, type ByteRange } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { identityAt } from '../tree/identities.js'
import type { FolderEvent, FolderName, FolderShareData } from './folder-share.js'
import { assertHas } from './partial-share.js'
import type { Share } from './share-index.js'
import { SharedFile } from './shared-file.js'
import type { OpenExtent, Source } from './source.js'
import { Trust } from './trust.js'

/** Resolves when all that may be asked know of it. */
export type TellOfFolder = (folder: FolderName, event: FolderEvent) => Promise<void>

/** A file of a folder, to read from. */
type OpenFile = Pick<SharedFile, 'close'> & { read: (into: Buffer, length: number, position: number) => number | Promise<number> }

export class ServedFolder {
  readonly filename: string
  readonly digest: string
  readonly layout: FolderLayout
  /** When it was asked for last, by `performance.now`. */
  askedMs = performance.now()
  readonly #share: FolderShareData
  readonly #manifest: Manifest
  readonly #bytes: ManifestBytes
  readonly #here: PieceSet

  constructor (share: FolderShareData) {
    this.filename = share.filename
    this.digest = share.digest
    this.#share = share
    this.#manifest = Manifest.fromData(share.manifest)
    this.#bytes = new ManifestBytes(this.#manifest)
    // What is no file has a size of 0, and so no pieces: entries count as files.
    this.layout = new FolderLayout(this.#manifest.sizes)
    this.#here = new PieceSet(this.#manifest.pieceCount)
    this.#here.addRange(0, this.#here.pieceCount)
    if (share.lacks) for (const run of PieceSet.fromBytes(share.lacks, this.#here.pieceCount).ranges()) this.lack(run)
  }

  lack ({ firstPiece, endPiece }: PieceRange): void {
    this.#here.deleteRange(firstPiece, endPiece)
  }

  gain ({ firstPiece, endPiece }: PieceRange): void {
    this.#here.addRange(firstPiece, endPiece)
  }

  /** Its manifest, as a source. */
  get manifest (): Source {
    const bytes = this.#bytes
    async function * extents (ranges: readonly ByteRange[]): AsyncGenerator<OpenExtent> {
      for (const range of ranges) yield { range, read: async (into, length, position) => await bytes.read(into, length, position) }
    }
    return { filename: this.filename, digest: this.digest, size: this.#share.size, extents }
  }

  /** Its files. */
  files (tell: TellOfFolder): Source {
    const { filename, digest, layout } = this
    const { size } = layout
    const open = (ranges: readonly ByteRange[]): FolderReader => {
      assertHas(filename, this.#here, layout, ranges)
      return new FolderReader(this, ranges, tell)
    }
    async function * extents (ranges: readonly ByteRange[]): AsyncGenerator<OpenExtent> {
      const reader = open(ranges)
      try {
        // As one: what goes out at a time may be of a hundred files.
        yield { range: { start: 0, end: reader.size }, read: async (into, length) => await reader.read(into, length) }
      } finally {
        await reader.close()
      }
    }
    const isWhole = this.#here.size === this.#here.pieceCount
    return { filename, digest, size, ...(isWhole && { whole: layout }), extents }
  }

  /** @throws E_CHANGED, E_LIMIT, E_IO as `SharedFile`. */
  openFile (entry: number, tell: TellOfFolder, onTelling: (told: Promise<void>) => void): OpenFile {
    const { identities } = this.#share
    const file = this.#manifest.entry(entry)
    if (file.kind !== 'file') throw new Error(`entry ${entry} is no file`)
    const path = join(this.#share.path, file.path)
    if (identities === undefined) return openArriving(path, this.filename)
    const share = this.#fileShare(file, path, identityAt(identities, entry))
    return new SharedFile({
      share,
      trust: new Trust(share),
      onChanged: () => onTelling(tell(this, { what: 'lost', entry })),
      onSuspect: () => { void tell(this, { what: 'suspect', entry }) },
      onUnreadable: async (_share, piece, { code, message }) => await tell(this, { what: 'unreadable', piece: this.#manifest.firstPieceOf(entry) + piece, error: { code, message } }),
    })
  }

  /** A file of it as if it were shared by itself. */
  #fileShare (file: FileEntry, path: string, identity: FileIdentity): Share {
    return {
      filename: this.filename,
      path,
      size: file.size,
      // It is known by its folder.
      digest: this.digest,
      pieceLength: pieceLengthFor(file.size),
      pieces: file.digests,
      identity,
    }
  }
}

/** Of a tree that nobody else writes to: what was found to be good stays so. */
function openArriving (path: string, filename: string): OpenFile {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    // It has just got its name, which is told in a moment.
    if (systemCode(error) === 'ENOENT') throw new PiecemealError('E_BUSY', `${quote(filename)} is being moved; try again later`)
    throw toDiskError(error, `cannot read ${quote(path)}`)
  }
  return {
    close: async () => { closeSync(fd) },
    read: (into, length, position) => {
      const bytesRead = readSync(fd, into, 0, length, position)
      if (bytesRead > 0) return bytesRead
      // Zeros at the end of a file are not written until all of it is there.
      into.fill(0, 0, length)
      return length
    },
  }
}

/** Reads ranges of a folder from front to end, one file at a time. */
class FolderReader {
  /** Of all ranges. */
  readonly size: number
  readonly #folder: ServedFolder
  readonly #tell: TellOfFolder
  readonly #ranges: readonly ByteRange[]
  #range = 0
  /** Of the folder's bytes, the next. */
  #offset: number
  #open: { entry: number, file: OpenFile } | undefined
  #told: Promise<void> | undefined

  constructor (folder: ServedFolder, ranges: readonly ByteRange[], tell: TellOfFolder) {
    this.#folder = folder
    this.#tell = tell
    this.#ranges = ranges
    this.#offset = ranges[0]?.start ?? 0
    this.size = ranges.reduce((bytes, { start, end }) => bytes + end - start, 0)
  }

  /** @returns how many bytes were read, at least one @throws E_NOT_SHARED for what is not here any more; E_BUSY, E_LIMIT, E_IO. */
  async read (into: Buffer, length: number): Promise<number> {
    let filled = 0
    while (filled < length) {
      try {
        filled += await this.#readOfOne(into.subarray(filled, length))
      } catch (error) {
        // It fails again when it is its turn; what came before it is good.
        if (filled > 0) return filled
        throw await this.#lost(error)
      }
    }
    return filled
  }

  async close (): Promise<void> {
    await this.#open?.file.close()
    this.#open = undefined
    await this.#told
  }

  /** As many of the next bytes as are in one file. */
  async #readOfOne (into: Buffer): Promise<number> {
    const { layout } = this.#folder
    const end = this.#ranges[this.#range]?.end ?? 0
    const entry = layout.fileOf(layout.pieceAt(this.#offset))
    const offset = this.#offset - layout.offsetOfFile(entry)
    const most = Math.min(into.length, end - this.#offset, layout.offsetOfFile(entry + 1) - this.#offset)
    const file = await this.#fileAt(entry)
    const bytesRead = await file.read(into, most, offset)
    this.#offset += bytesRead
    if (this.#offset === end) this.#offset = this.#ranges[++this.#range]?.start ?? end
    return bytesRead
  }

  async #fileAt (entry: number): Promise<OpenFile> {
    if (this.#open?.entry === entry) return this.#open.file
    await this.#open?.file.close()
    this.#open = undefined
    const file = this.#folder.openFile(entry, this.#tell, (told) => { this.#told = told })
    this.#open = { entry, file }
    return file
  }

  /** The folder is as it was, but for this file. */
  async #lost (error: unknown): Promise<unknown> {
    await this.#told
    if (!(error instanceof PiecemealError) || error.code !== 'E_CHANGED') return error
    return new PiecemealError('E_NOT_SHARED', `not all of that range of ${quote(this.#folder.filename)} is here any more`, { cause: error })
  }
}
