/**
 * The folders that are shared here, as they are read: by a path in their manifest, never by one on the
 * disk. A file of one is opened without following a link at its end, and read only as long as it is
 * the very file that was digested, so a folder on the way to it that somebody swaps leads nowhere.
 */
import { join } from 'node:path'
import { contentDigest } from '../content/digest.js'
import { isDigest, pieceLengthFor } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { EntryRange } from '../manifest/entries-at.js'
import type { FolderEvent, FolderName, FolderShare } from '../share/folder-share.js'
import type { FolderShares } from '../share/folder-shares.js'
import { identityAt } from '../tree/identities.js'
import { OpenFile } from './file-here.js'
import { NO_NEWS, type Library } from './library.js'
import type { Readable, Title } from './readable.js'

export interface FoldersHereOptions {
  folders: FolderShares
  library: Pick<Library, 'find'>
  /** A file of a folder is not as it was. */
  onEvent: (folder: FolderName, event: FolderEvent) => void
}

export interface FolderHere {
  share: FolderShare
  /** When it was first announced, in seconds of the Unix clock. */
  since?: number | undefined
}

export class FoldersHere {
  readonly #options: FoldersHereOptions

  constructor (options: FoldersHereOptions) {
    this.#options = options
  }

  has (filename: string): boolean {
    return this.#options.folders.current(filename) !== undefined
  }

  /**
   * @param digest which content, where there are several: whole, or its first 8 or more hex digits
   * @throws E_NOT_SHARED if it is in the network and not here; E_NO_OWNER, E_CONFLICT, E_NAME and the like as `Library.find`.
   */
  async find (filename: string, digest?: string): Promise<FolderHere> {
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
    if (share) return { share, since: title.since }
    const other = folders.current(filename)
    throw new PiecemealError('E_NOT_SHARED', `the folder ${quote(filename)} is in the network, and not on this node${other ? `, which has another version (?digest=${other.digest})` : ''}: download it here first (torrent -m download)`)
  }

  /** @throws E_NOT_SHARED unless all that these entries hold is here; E_BUSY while it comes. */
  assertHas ({ filename, manifest, identities, lacks }: FolderShare, { first, end }: EntryRange): void {
    const missing = lacks?.firstFrom(manifest.firstPieceOf(first)) ?? Infinity
    if (missing < manifest.firstPieceOf(end)) throw new PiecemealError('E_NOT_SHARED', `not all of that is here: this node has a part of ${quote(filename)}, or files of it have changed`)
    if (identities === undefined) throw new PiecemealError('E_BUSY', `${quote(filename)} is being downloaded here, and is read once all of it has come`)
  }

  /** What is known of a file of a folder: as if it were shared by itself. @returns undefined if the entry is no file */
  titleOf ({ share: { manifest }, since }: FolderHere, entry: number): Title | undefined {
    const file = manifest.entry(entry)
    if (file.kind !== 'file') return undefined
    const pieceLength = pieceLengthFor(file.size)
    return { filename: file.path.slice(file.path.lastIndexOf('/') + 1), size: file.size, pieceLength, digest: contentDigest(file.size, pieceLength, file.digests), since, owners: [] }
  }

  /** To be read, and closed by the caller. @throws as `assertHas`; E_CHANGED, E_BUSY, E_IO, E_LIMIT. */
  async open (folder: FolderHere, entry: number): Promise<Readable> {
    const { share } = folder
    const { filename, path, digest, identities, manifest } = share
    this.assertHas(share, { first: entry, end: entry + 1 })
    const title = this.titleOf(folder, entry)
    if (title === undefined || identities === undefined) throw new Error(`entry ${entry} is no file`)
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

/** It is no regular file any more, or none at all: a disk that fails says nothing of it. */
function isGone (error: unknown): boolean {
  return error instanceof PiecemealError && (error.code === 'E_FORBIDDEN' || ['ENOENT', 'ENOTDIR'].includes(systemCode(error.cause) ?? ''))
}
