/**
 * The folders of the network, as they are read: by a path in their manifest, never by one on the
 * disk. A file of one that is shared here is opened without following a link at its end, and read only
 * as long as it is the very file that was digested, so a folder on the way to it that somebody swaps
 * leads nowhere. Of all others manifest and files are fetched when they are asked for.
 */
import { join } from 'node:path'
import { contentDigest } from '../content/digest.js'
import { PieceSet } from '../content/piece-set.js'
import { isDigest, pieceLengthFor } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { EntryRange } from '../manifest/entries-at.js'
import type { FolderEvent, FolderName, FolderShare } from '../share/folder-share.js'
import type { FolderShares } from '../share/folder-shares.js'
import { identityAt } from '../tree/identities.js'
import { OpenFile } from './file-here.js'
import { NO_NEWS, type Library } from './library.js'
import { Manifests } from './manifests.js'
import type { Readable, Title } from './readable.js'

export interface ReadFoldersOptions {
  folders: FolderShares
  library: Pick<Library, 'find' | 'open' | 'forget' | 'assertFits'>
  /** A file of a folder is not as it was. */
  onEvent: (folder: FolderName, event: FolderEvent) => void
}

/** One that this node does not share. */
export interface FolderElsewhere extends Pick<FolderShare, 'filename' | 'digest' | 'manifest' | 'lacks'> {
  path?: undefined
  identities?: undefined
}

export interface ReadFolder {
  share: FolderShare | FolderElsewhere
  /** When it was first announced, in seconds of the Unix clock. */
  since?: number | undefined
  /** Whether others have it, if only in part. */
  hasOwners?: boolean
}

export class ReadFolders {
  readonly #options: ReadFoldersOptions
  readonly #manifests: Manifests

  constructor (options: ReadFoldersOptions) {
    this.#options = options
    this.#manifests = new Manifests(options.library)
  }

  has (filename: string): boolean {
    return this.#options.folders.current(filename) !== undefined
  }

  /**
   * @param digest which content, where there are several: whole, or its first 8 or more hex digits
   * @throws what the download of its manifest ends with if it is not here; E_NO_OWNER, E_CONFLICT, E_NAME and the like as `Library.find`.
   */
  async find (filename: string, digest?: string): Promise<ReadFolder> {
    const { folders, library } = this.#options
    let title: Title
    try {
      title = await library.find(filename, digest)
    } catch (error) {
      const share = error instanceof PiecemealError && NO_NEWS.has(error.code) ? this.#known(filename, digest) : undefined
      if (share) return { share }
      throw error
    }
    if (title.kind === undefined) throw new PiecemealError('E_NO_OWNER', `${quote(filename)} is a file, and no folder: it is under /files/`)
    const share = folders.find(filename, title.digest)
    const { since, owners } = title
    const hasOwners = owners.length > 0
    if (share) return { share, since, hasOwners }
    const manifest = await this.#manifests.of(title)
    const lacks = new PieceSet(manifest.pieceCount)
    lacks.addRange(0, lacks.pieceCount)
    return { share: { filename, digest: title.digest, manifest, lacks }, since, hasOwners }
  }

  /** @throws E_NOT_SHARED if some of what these entries hold is not here, and nobody else has the folder; E_BUSY while it comes. */
  assertHas ({ share, hasOwners = false }: ReadFolder, entries: EntryRange): void {
    if (hasOwners || share.path === undefined) return
    const { filename, identities } = share
    if (!hasPieces(share, entries)) throw new PiecemealError('E_NOT_SHARED', `not all of that is here: this node has a part of ${quote(filename)}, or files of it have changed`)
    if (identities === undefined) throw new PiecemealError('E_BUSY', `${quote(filename)} is being downloaded here, and is read once all of it has come`)
  }

  /** @throws E_DISK_FULL if one of these files would have to come, and is larger than what is fetched may ever be. */
  async assertFits (folder: ReadFolder, { first, end }: EntryRange): Promise<void> {
    const { filename, digest, manifest } = folder.share
    let largest = 0
    for (let entry = first; entry < end; entry++) {
      const size = manifest.isFile(entry) ? manifest.sizes[entry] ?? 0 : 0
      if (size > largest && !this.isHere(folder, entry)) largest = size
    }
    if (largest > 0) await this.#options.library.assertFits(largest, { filename, digest, excerpt: 'manifest' })
  }

  /** Whether all of a file is here, in this folder. */
  isHere ({ share }: ReadFolder, entry: number): boolean {
    return share.identities !== undefined && hasPieces(share, { first: entry, end: entry + 1 })
  }

  /** What is known of a file of a folder: as if it were shared by itself. @returns undefined if the entry is no file */
  titleOf ({ share: { manifest }, since }: ReadFolder, entry: number): Title | undefined {
    const file = manifest.entry(entry)
    if (file.kind !== 'file') return undefined
    const pieceLength = pieceLengthFor(file.size)
    return { filename: file.path.slice(file.path.lastIndexOf('/') + 1), size: file.size, pieceLength, digest: contentDigest(file.size, pieceLength, file.digests), since, owners: [] }
  }

  /** To be read, and closed by the caller. @throws as `assertHas`; E_CHANGED, E_BUSY, E_IO, E_LIMIT; as `Library.open` if it is not here. */
  async open (folder: ReadFolder, entry: number): Promise<Readable> {
    const { share } = folder
    const { filename, digest, manifest } = share
    const title = this.titleOf(folder, entry)
    if (title === undefined) throw new Error(`entry ${entry} is no file`)
    if (!this.isHere(folder, entry) && (share.path === undefined || folder.hasOwners)) return await this.#options.library.open({ ...title, within: { filename, digest, excerpt: { manifest, entry } } })
    this.assertHas(folder, { first: entry, end: entry + 1 })
    const { path, identities } = share
    if (identities === undefined) throw new Error(`${quote(filename)} lies nowhere`)
    const tell = (what: 'suspect' | 'lost'): void => { this.#options.onEvent({ filename, digest }, { what, entry }) }
    try {
      return await OpenFile.open({ title, path: join(path, manifest.path(entry)), identity: identityAt(identities, entry), onSuspect: () => tell('suspect') })
    } catch (error) {
      if (!isGone(error)) throw error
      // What is said of it elsewhere names where it lies.
      tell('lost')
      throw new PiecemealError('E_CHANGED', `${quote(manifest.path(entry))} of ${quote(filename)} has changed since it was announced`)
    }
  }

  /** What is here under that name, where nobody else can be asked. */
  #known (filename: string, digest: string | undefined): FolderShare | undefined {
    const { folders } = this.#options
    if (digest === undefined) return folders.current(filename)
    return folders.all.find((share) => share.filename === filename && (isDigest(digest) ? share.digest === digest : share.digest.includes(digest)))
  }
}

/** Whether all that these entries hold is here. */
function hasPieces ({ manifest, lacks }: ReadFolder['share'], { first, end }: EntryRange): boolean {
  return (lacks?.firstFrom(manifest.firstPieceOf(first)) ?? Infinity) >= manifest.firstPieceOf(end)
}

/** It is no regular file any more, or none at all: a disk that fails says nothing of it. */
function isGone (error: unknown): boolean {
  return error instanceof PiecemealError && (error.code === 'E_FORBIDDEN' || ['ENOENT', 'ENOTDIR'].includes(systemCode(error.cause) ?? ''))
}
