/**
 * What this node offers, told to all who have to know: the server that answers for sizes, the thread
 * that sends bytes, and the tracker. A file is offered as a whole, or, while it is still being
 * downloaded, piece by piece as they come.
 */
import type { PieceList } from '../content/digest.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import { isGone } from '../disk/where-it-lies.js'
import { pieceCount, type FolderExtent } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { ArrivingFolder, FolderName, FolderShare } from '../share/folder-share.js'
import { FolderShares, type KeptFolder } from '../share/folder-shares.js'
import { PartialShare, PartialShares, type PartialContent } from '../share/partial-share.js'
import { ShareIndex, type ServedFile, type Share } from '../share/share-index.js'
import type { UploadThread } from '../share/upload-thread.js'
import type { Question, TrackerClient } from './tracker-client.js'

/** How long a new share waits to be announced before it counts as shared all the same. */
const ANNOUNCE_WAIT_MS = 2_000

export interface OffersOptions {
  uploads: Pick<UploadThread, 'add' | 'remove' | 'addFolder' | 'removeFolder' | 'lackOfFolder' | 'gainOfFolder' | 'place' | 'drop'>
  tracker: () => Pick<TrackerClient, 'ask'>
  /** Where the data comes from, once the ports listen. */
  ports: () => OpenPorts
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

export type OpenPorts = Pick<Question<'have'>, 'inputPort' | 'outputPort' | 'httpPort'>

type Announced = PartialContent & FolderExtent & Pick<Share, 'origin' | 'replaces'> & Partial<Pick<Share, 'identity'>> & { complete?: boolean }

export class Offers {
  readonly shares = new ShareIndex()
  readonly folders = new FolderShares()
  readonly partials = new PartialShares()
  readonly #options: OffersOptions

  constructor (options: OffersOptions) {
    this.#options = options
  }

  /** All that a tracker has to be told of, when it is new or back. */
  get announcements (): Array<Question<'have'>> {
    return [
      ...[...this.shares].map((share) => this.#announcement(announced(share))),
      ...[...this.folders].map((folder) => this.#announcement(announcedFolder(folder))),
      ...[...this.partials].map(({ content, replaces }) => this.#announcement({ ...content, replaces, complete: false })),
    ]
  }

  /** @throws E_EXISTS if another file or folder has that name here. */
  async assertFree ({ filename, path }: Pick<Share, 'filename' | 'path'>): Promise<void> {
    const other = this.folders.current(filename) ?? (this.shares.has(filename) ? this.shares.get(filename) : undefined)
    if (other === undefined || other.path === path || await isGone(other.path)) return
    throw new PiecemealError('E_EXISTS', `${quote(filename)} is the name of ${quote(other.path)} here; unshare that, or share this one --as another name`)
  }

  /**
   * Offers a whole file, and no longer the pieces that were there of it.
   *
   * @returns whether the tracker knows of it now; one that is away is told when it is back
   * @throws E_LIMIT, or what the tracker refuses with.
   */
  async add (share: Share): Promise<boolean> {
    const { announced } = await this.offer(share)
    return await announced
  }

  /** The same, for whoever does not wait for the tracker's answer: it has been told, and it answers later. */
  async offer (share: Share): Promise<{ announced: Promise<boolean> }> {
    this.shares.add(share)
    await this.#options.uploads.add(share)
    this.#forget(this.folders.remove(share.filename))
    this.#drop(share.filename)
    return {
      announced: this.#announce(announced(share), async () => {
        this.shares.remove(share)
        await this.#options.uploads.remove(share)
      }),
    }
  }

  /** Offers a folder. The version before it is not announced any more, and answers to whoever asks for its digest. @throws, and returns, as `offer`. */
  async offerFolder (share: FolderShare): Promise<{ announced: Promise<boolean> }> {
    const { uploads } = this.#options
    const { filename } = share
    const before = this.folders.current(filename)
    this.#forget(this.folders.add(share, performance.now()))
    await uploads.addFolder(share)
    const older = before && before.digest !== share.digest ? this.folders.find(filename, before.digest) : undefined
    if (older) await uploads.addFolder(older)
    const file = this.shares.has(filename) ? this.shares.get(filename) : undefined
    if (file && this.shares.remove(file)) await uploads.remove(file)
    this.#drop(filename)
    return { announced: this.#announce(announcedFolder(share), () => this.#forget(this.folders.remove(filename))) }
  }

  /** @param takeBack what the tracker refuses is not offered @throws what it refuses with. */
  async #announce (what: Announced, takeBack: () => Promise<void> | void): Promise<boolean> {
    try {
      await this.#options.tracker().ask('have', this.#announcement(what), ANNOUNCE_WAIT_MS)
      return true
    } catch (error) {
      if (error instanceof PiecemealError && ['E_TRACKER', 'E_AUTH', 'E_NAME_TAKEN'].includes(error.code)) return false
      await takeBack()
      throw error
    }
  }

  /** A file that the tracker need not be told of: one that is another one on the disk now, with the same bytes, or one of before a restart, which is told with the rest. */
  async renew (share: Share): Promise<void> {
    this.shares.add(share)
    await this.#options.uploads.add(share)
  }

  /**
   * A piece of a file that the disk does not give any more: the others are offered on.
   *
   * @returns whether it is the first of that file
   */
  lack (file: ServedFile, piece: number): boolean {
    const share = this.shares.current(file)
    if (share === undefined || share.lacks?.has(piece)) return false
    const lacks = new Set(share.lacks).add(piece)
    if (lacks.size === pieceCount(share)) return this.remove(share)
    const now = { ...share, lacks }
    this.shares.add(now)
    this.#options.uploads.add(now).catch(this.#options.onError)
    if (lacks.size === 1) this.#announceLack(announced(now))
    return lacks.size === 1
  }

  /** Pieces of a folder that are not here any more: the others are offered on. @returns whether it is news */
  lackOfFolder (folder: FolderName, pieces: PieceRange): boolean {
    const { filename, digest } = folder
    const wasWhole = this.folders.find(filename, digest)?.lacks === undefined
    const share = this.folders.lack(filename, digest, pieces)
    if (share === undefined) return false
    this.#options.uploads.lackOfFolder(folder, pieces).catch(this.#options.onError)
    if (wasWhole && this.folders.current(filename) === share) this.#announceLack(announcedFolder(share))
    return true
  }

  /** Not as a whole any more. */
  #announceLack (what: Announced): void {
    // A tracker that is away hears of it when it is back.
    this.#options.tracker().ask('have', this.#announcement(what), ANNOUNCE_WAIT_MS).catch(() => {})
  }

  /** All versions of a folder. @returns whether it was offered */
  removeFolder (filename: string): boolean {
    const wasOffered = this.folders.current(filename) !== undefined
    this.#forget(this.folders.remove(filename))
    if (wasOffered) this.#sayGone(filename)
    return wasOffered
  }

  /** A version that nobody asks for any more. */
  dropKept (kept: KeptFolder): void {
    this.folders.drop(kept)
    this.#forget([kept.share])
  }

  #forget (folders: readonly FolderName[]): void {
    for (const folder of folders) this.#options.uploads.removeFolder(folder).catch(this.#options.onError)
  }

  /** A file that is not what was announced any more. @returns whether it was offered */
  remove (file: ServedFile): boolean {
    if (!this.shares.remove(file)) return false
    this.#options.uploads.remove(file).catch(this.#options.onError)
    this.#sayGone(file.filename)
    return true
  }

  /** Offers pieces of a content that is being downloaded; the tracker is told with the first of them. */
  place (content: PartialContent, pieces: PieceList, run: PlacedRun): void {
    let share = this.partials.get(content.filename, content.digest)
    if (share === undefined) {
      share = new PartialShare(content, pieces)
      this.partials.add(share)
      // A tracker that is away hears of it when it is back; that nobody is sent here harms nobody.
      this.#options.tracker().ask('have', this.#announcement({ ...content, complete: false }), ANNOUNCE_WAIT_MS).catch(() => {})
    }
    share.place(run)
    this.#options.uploads.place(share.content, run).catch(this.#options.onError)
  }

  /** Offers pieces of a folder that is being downloaded: as `place`. */
  placeOfFolder (folder: ArrivingFolder, pieces: PieceRange): void {
    const { uploads, tracker, onError } = this.#options
    const share = this.folders.gain(folder, pieces)
    const told = share ? uploads.addFolder(share) : uploads.gainOfFolder(folder, pieces)
    told.catch(onError)
    if (share) tracker().ask('have', this.#announcement(announcedFolder(share)), ANNOUNCE_WAIT_MS).catch(() => {})
  }

  /** A download has ended: if not all of it is there, what there is of it is not offered any more. */
  abandon (filename: string): void {
    const folder = this.folders.current(filename)
    if (folder && folder.identities === undefined) this.removeFolder(filename)
    else if (this.#drop(filename)) this.#sayGone(filename)
  }

  #drop (filename: string): boolean {
    if (!this.partials.remove(filename)) return false
    this.#options.uploads.drop(filename).catch(this.#options.onError)
    return true
  }

  #sayGone (filename: string): void {
    this.#options.tracker().ask('exit', { filename }).catch(() => {
      // Without a tracker nobody is sent here; the next connection announces what is offered then.
    })
  }

  #announcement ({ filename, size, digest, pieceLength, kind, files, filesSize, identity, origin, replaces, complete = true }: Announced): Question<'have'> {
    return {
      filename,
      size,
      digest,
      pieceLength,
      ...(kind && { kind, files, filesSize }),
      ...this.#options.ports(),
      ...(!complete && { complete }),
      ...(identity?.isExecutable && { executable: true }),
      ...(origin && { origin }),
      ...(replaces && replaces.length > 0 && { replaces: [...replaces] }),
    }
  }
}

function announced ({ lacks, ...share }: Share): Announced {
  return { ...share, complete: lacks === undefined }
}

function announcedFolder ({ manifest: { head: { files, size } }, lacks, ...share }: FolderShare): Announced {
  return { ...share, files, filesSize: size, complete: lacks === undefined }
}
