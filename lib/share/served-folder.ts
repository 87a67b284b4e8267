/** A folder in the thread that serves: its files are opened one after the other as their bytes are asked for. */
import { join } from 'node:path'
import { FolderLayout } from '../content/layout.js'
import { PieceSet } from '../content/piece-set.js'
import type { PieceRange } from '../content/run.js'
import { ManifestBytes } from '../manifest/manifest-bytes.js'
import { Manifest } from '../manifest/manifest.js'
import { pieceLengthFor, type ByteRange } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { identityAt } from '../tree/identities.js'
import type { FolderName, FolderShareData } from './folder-share.js'
import { assertHas } from './partial-share.js'
import type { Share } from './share-index.js'
import { SharedFile } from './shared-file.js'
import type { OpenExtent, Source } from './source.js'
import { Trust } from './trust.js'

/** What the thread has to tell of a folder's files, by their numbers in the manifest. */
export interface FolderNews {
  /** Its bytes are not what was announced. Resolves when all that may be asked know of it. */
  onLost: (folder: ServedFolder, entry: number) => Promise<void>
  /** Something about it is not as it was; its bytes may be. */
  onSuspect: (folder: ServedFolder, entry: number) => void
  /** The disk does not give a piece of the folder. Resolves when all that may be asked know of it. */
  onUnreadable: (folder: ServedFolder, piece: number, error: PiecemealError) => Promise<void>
}

/** By digest: the versions of a folder have one name. */
export class ServedFolders {
  readonly news: FolderNews
  readonly #folders = new Map<string, ServedFolder>()

  constructor (news: FolderNews) {
    this.news = news
  }

  add (share: FolderShareData): void {
    this.#folders.set(keyOf(share), new ServedFolder(share))
  }

  remove (share: FolderName): boolean {
    return this.#folders.delete(keyOf(share))
  }

  lack (share: FolderName, pieces: PieceRange): void {
    this.#folders.get(keyOf(share))?.lack(pieces)
  }

  /** For whoever asks for it. */
  get (filename: string, digest: string): ServedFolder | undefined {
    const folder = this.#folders.get(keyOf({ filename, digest }))
    if (folder) folder.askedMs = performance.now()
    return folder
  }

  /** How long nobody has asked for it. */
  idleMs (share: FolderName): number | undefined {
    const folder = this.#folders.get(keyOf(share))
    return folder && performance.now() - folder.askedMs
  }
}

function keyOf ({ filename, digest }: FolderName): string {
  return `${digest} ${filename}`
}

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

  /** Its manifest, as a source. */
  get manifest (): Source {
    const bytes = this.#bytes
    async function * extents (ranges: readonly ByteRange[]): AsyncGenerator<OpenExtent> {
      for (const range of ranges) yield { range, read: async (into, length, position) => await bytes.read(into, length, position) }
    }
    return { filename: this.filename, digest: this.digest, size: this.#share.size, extents }
  }

  /** Its files. */
  files (news: FolderNews): Source {
    const { filename, digest, layout } = this
    const { size } = layout
    const open = (ranges: readonly ByteRange[]): FolderReader => {
      assertHas(filename, this.#here, layout, ranges)
      return new FolderReader(this, ranges, news)
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
  openFile (entry: number, news: FolderNews, onTelling: (told: Promise<void>) => void): SharedFile {
    const share = this.#fileShare(entry)
    return new SharedFile({
      share,
      trust: new Trust(share),
      onChanged: () => onTelling(news.onLost(this, entry)),
      onSuspect: () => news.onSuspect(this, entry),
      onUnreadable: async (_share, piece, error) => await news.onUnreadable(this, this.#manifest.firstPieceOf(entry) + piece, error),
    })
  }

  /** A file of it as if it were shared by itself. */
  #fileShare (entry: number): Share {
    const file = this.#manifest.entry(entry)
    if (file.kind !== 'file') throw new Error(`entry ${entry} is no file`)
    return {
      filename: this.filename,
      path: join(this.#share.path, file.path),
      size: file.size,
      // It is known by its folder.
      digest: this.digest,
      pieceLength: pieceLengthFor(file.size),
      pieces: file.digests,
      identity: identityAt(this.#share.identities, entry),
    }
  }
}

/** Reads ranges of a folder from front to end, one file at a time. */
class FolderReader {
  /** Of all ranges. */
  readonly size: number
  readonly #folder: ServedFolder
  readonly #news: FolderNews
  readonly #ranges: readonly ByteRange[]
  #range = 0
  /** Of the folder's bytes, the next. */
  #offset: number
  #open: { entry: number, file: SharedFile } | undefined
  #told: Promise<void> | undefined

  constructor (folder: ServedFolder, ranges: readonly ByteRange[], news: FolderNews) {
    this.#folder = folder
    this.#news = news
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

  async #fileAt (entry: number): Promise<SharedFile> {
    if (this.#open?.entry === entry) return this.#open.file
    await this.#open?.file.close()
    this.#open = undefined
    const file = this.#folder.openFile(entry, this.#news, (told) => { this.#told = told })
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
