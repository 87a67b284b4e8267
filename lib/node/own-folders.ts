/**
 * The folders that a node offers: how one is added, what becomes of its files that change, and how it
 * is taken back. Longer than 250 lines because all of it is about one list and its versions.
 */
import type { EventEmitter } from 'node:events'
import pLimit from 'p-limit'
import type { PieceList } from '../content/digest.js'
import { isGone } from '../disk/where-it-lies.js'
import type { Manifest } from '../manifest/manifest.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { lostOf, piecesBeside, type FolderEvent, type FolderName, type FolderShare } from '../share/folder-share.js'
import { MissingShares } from '../share/missing-shares.js'
import { shareFile } from '../share/share-file.js'
import { Versions } from '../share/versions.js'
import { digestTree, type DigestedTree, type DigestTreeOptions } from '../tree/digest-tree.js'
import { setIdentity, type TreeIdentities } from '../tree/identities.js'
import type { Activity, Task } from './activity.js'
import type { NodeEvents, SharingEvent } from './events.js'
import { KeptFolders, type KeptFoldersOptions } from './kept-folders.js'
import { secondsSince, type NamedFile } from './own-shares.js'
import { CORES } from './thread-room.js'
import type { WorkerPool } from './worker-pool.js'

/** Files that something has changed about are digested again so many at a time. */
const LOOKS_AT_ONCE = 2

export interface OwnFoldersOptions extends KeptFoldersOptions {
  /** @throws E_INTERRUPTED if the node is not running. */
  pool: () => Promise<WorkerPool>
  activity: Activity
  /** Where it is told what happens. */
  events: Pick<EventEmitter<NodeEvents>, 'emit'>
  /** How often folders that are gone are looked for, in milliseconds. */
  missingLookMs: number
  /** Where a folder is remembered, if anywhere. */
  treeFile: (root: string) => string | undefined
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

/** As for `digestTree`. */
export type FolderOptions = Pick<DigestTreeOptions, 'hasTimes' | 'skipSpecial' | 'allowShrink'>

/** What has come of a folder, and lies under its name. */
export interface ArrivedFolder {
  manifest: Manifest
  /** By entry, of those that are there. */
  identities: TreeIdentities
  /** Those that are there, by their numbers, ascending; all if left out. */
  entries?: Uint32Array
  /** What of it was wanted, if not all. */
  patterns?: readonly string[] | undefined
  /** Of the file system. */
  dev: bigint
  /** Whether it says of all files that they are executable. */
  allExecutable?: boolean
  /** When its files were looked at, by the wall clock. */
  lookedAtMs: number
}

export class OwnFolders {
  readonly #options: OwnFoldersOptions
  readonly #versions = new Versions()
  readonly #missing: MissingShares<FolderShare>
  readonly #kept: KeptFolders
  readonly #limitLooks = pLimit(LOOKS_AT_ONCE)
  /** Files that are looked at: folder's digest and entry. */
  readonly #looking = new Set<string>()

  constructor (options: OwnFoldersOptions) {
    this.#options = options
    this.#kept = new KeptFolders(options)
    const { missingLookMs, onError } = options
    this.#missing = new MissingShares({ lookMs: missingLookMs, onFound: (share) => { this.#comeBack(share).catch((error: unknown) => onError(toPiecemealError(error))) } })
  }

  /** Those that are gone, and are looked for. */
  get missing (): Iterable<FolderShare> {
    return this.#missing
  }

  /** Digests a folder, what of it is not known from before, and offers it. @throws as `digestTree`; E_EXISTS if something else has that name here. */
  async add (file: NamedFile, options: FolderOptions): Promise<SharingEvent> {
    const { activity, offers } = this.#options
    return await activity.digest(file.filename, async (task) => {
      const startedMs = performance.now()
      await offers.assertFree(file)
      const tree = await this.#digest(file.path, options, task, this.#options.treeFile(file.path))
      const { count, first } = tree.leftOut
      if (count > 0) this.#options.events.emit('warning', { message: `${quote(file.filename)} is shared without ${count} of its paths, such as ${first.join(', ')}` })
      const replaces = this.#versions.upload(file.filename, tree.content.digest)
      return await this.offer({ ...shareOf(file, tree), origin: true, replaces }, startedMs)
    })
  }

  /**
   * The downloader is an owner now, of what it has of the folder. What the tracker says to that is not waited for: the folder is there.
   *
   * @param replaces the digests that the content replaces, as its owners say
   * @returns what is left to do: the folder is remembered
   */
  async addDownloaded ({ filename, path }: NamedFile, content: Content & { pieces: PieceList }, { manifest, identities, entries, patterns, dev, allExecutable, lookedAtMs }: ArrivedFolder, replaces: readonly string[] | undefined): Promise<() => Promise<void>> {
    const { offers, pool, treeFile, onError } = this.#options
    // That it can't be offered, or remembered, is another matter.
    const fail = (error: unknown): void => onError(toPiecemealError(error))
    try {
      const lacks = entries && piecesBeside(entries, manifest)
      const { announced } = await offers.offerFolder({ ...content, kind: 'folder', filename, path, manifest, identities, replaces, ...(lacks && lacks.size > 0 && { lacks }) })
      announced.catch(fail)
      this.#kept.watch()
    } catch (error) {
      fail(error)
      return async () => {}
    }
    const remember = async (): Promise<unknown> => await (await pool()).trees.keepTree({ root: path, dev, manifest: manifest.data, entries, identities, patterns: patterns && [...patterns], allExecutable, lookedAtMs, treeFile: treeFile(path) })
    return async () => { await remember().catch(fail) }
  }

  /** Offers a folder that is digested. */
  async offer (share: FolderShare, startedMs: number): Promise<SharingEvent> {
    const { offers, events } = this.#options
    const { announced } = await offers.offerFolder(share)
    this.#missing.remove(share.filename)
    this.#kept.watch()
    const { filename, digest, manifest: { head } } = share
    const event = { file: filename, bytes: head.size, digest, announced: await announced, seconds: secondsSince(startedMs), files: head.files }
    events.emit('sharing', event)
    return event
  }

  /** What the thread that serves has found. Resolves when all that may be asked know of it. */
  async hear (folder: FolderName, event: FolderEvent): Promise<void> {
    switch (event.what) {
      case 'lost': return await this.lost(folder, event.entry)
      case 'suspect': return this.#suspect(folder, event.entry)
      case 'unreadable': {
        const { piece, error: { code, message } } = event
        if (this.#options.offers.lackOfFolder(folder, { firstPiece: piece, endPiece: piece + 1 })) this.#options.onError(new PiecemealError(code, message))
      }
    }
  }

  /** Something may have happened to these files. Resolves when they have been looked at. */
  async look (name: FolderName, entries: Uint32Array): Promise<void> {
    await Promise.all([...entries].map(async (entry) => await this.#limitLooks(async () => await this.#look(name, entry))))
  }

  /** A file is not what was announced: its pieces are not here any more, the others are. */
  async lost (name: FolderName, entry: number): Promise<void> {
    const { offers, events } = this.#options
    const folder = offers.folders.find(name.filename, name.digest)
    if (folder === undefined) return
    if (await isGone(folder.path)) return this.gone(folder)
    const { manifest } = folder
    const isNews = offers.lackOfFolder(name, { firstPiece: manifest.firstPieceOf(entry), endPiece: manifest.firstPieceOf(entry + 1) })
    // Of an older version it is no news: there is a newer one.
    if (isNews && offers.folders.current(name.filename) === folder) events.emit('changed', { file: name.filename, path: manifest.path(entry) })
  }

  /** Something about a file is not as it was; it is looked whether it has the same bytes. */
  #suspect (name: FolderName, entry: number): void {
    const key = `${name.digest} ${entry}`
    if (this.#looking.has(key)) return
    this.#looking.add(key)
    this.#limitLooks(async () => await this.#look(name, entry))
      .catch((error: unknown) => this.#options.onError(toPiecemealError(error)))
      .finally(() => this.#looking.delete(key))
  }

  /** It was moved, deleted, or its disk is not mounted. */
  gone ({ filename }: FolderShare): void {
    const { offers, events } = this.#options
    const current = offers.folders.current(filename)
    if (current === undefined || !offers.removeFolder(filename)) return
    this.#missing.add(current)
    events.emit('withdrawn', { file: filename, code: 'E_CHANGED', message: `the folder ${quote(filename)} is gone; it is shared again once it is back` })
  }

  /** Because its user wants it. @returns whether it was offered */
  remove (filename: string): boolean {
    const { offers, events } = this.#options
    if (!this.#missing.remove(filename) && !offers.removeFolder(filename)) return false
    events.emit('unshared', { file: filename })
    return true
  }

  /** Digests all files again. @throws E_CHANGED if one of them is not what was announced. */
  async verify (share: FolderShare): Promise<void> {
    const { activity, events } = this.#options
    const { filename, digest, path, manifest } = share
    await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      // Not from what is remembered: the question is whether the files are still that.
      const lost = lostOf(share, await this.#digest(path, { skipSpecial: true, allowShrink: true }, task))
      for (const entry of lost) await this.lost({ filename, digest }, entry)
      if (lost.length > 0) throw new PiecemealError('E_CHANGED', `${lost.length} files of ${quote(filename)} have changed since they were announced; upload it again to share it as it is now`)
      events.emit('verified', { file: filename, bytes: manifest.head.size, digest, seconds: secondsSince(startedMs) })
    })
  }

  /** Looks for nothing any more. Safe to call twice. */
  close (): void {
    this.#kept.close()
    this.#missing.close()
    this.#limitLooks.clearQueue()
  }

  /** Something is where a missing folder was: what of it has the same bytes is shared again. */
  async #comeBack (share: FolderShare): Promise<void> {
    const { activity, offers } = this.#options
    const { filename, path, manifest } = share
    const isBack = await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      const lost = lostOf(share, await this.#digest(path, { skipSpecial: true }, task))
      if (lost.length === manifest.head.files) return false
      // It may have been shared anew meanwhile.
      if (offers.folders.current(filename)) return true
      await this.offer(share, startedMs)
      for (const entry of lost) await this.lost(share, entry)
      return true
    }).catch((error: unknown) => {
      // A disk that is not mounted yet, or not read.
      if (error instanceof PiecemealError) return false
      throw error
    })
    if (!isBack) this.#missing.add(share)
  }

  async #look (name: FolderName, entry: number): Promise<void> {
    const folder = this.#options.offers.folders.find(name.filename, name.digest)
    const file = folder?.manifest.entry(entry)
    if (folder === undefined || file?.kind !== 'file') return
    const pool = await this.#options.pool()
    const nothing = { get: async () => await Promise.resolve(undefined), put: async () => { await Promise.resolve() } }
    try {
      const found = await shareFile({ filename: file.path, path: `${folder.path}/${file.path}` }, { cache: nothing, digestPieces: async (task) => await pool.digestPieces(task) })
      if (found.size !== file.size || !found.pieces.equals(file.digests)) await this.lost(name, entry)
      else if (folder.identities) setIdentity(folder.identities, entry, found.identity)
    } catch (error) {
      // It is being written to, or this node is short of something: whoever asks next finds the same suspicion.
      if (!(error instanceof PiecemealError)) throw error
    }
  }

  async #digest (root: string, options: FolderOptions, task: Task, treeFile?: string): Promise<DigestedTree> {
    const pool = await this.#options.pool()
    return await digestTree(root, {
      ...options,
      treeFile,
      threads: pool.trees,
      tasksAtOnce: CORES,
      onProgress: ({ bytes, size }) => task.reach(bytes, size),
      signal: task.signal,
    })
  }
}

function shareOf ({ filename, path }: NamedFile, { manifest, identities, content }: DigestedTree): FolderShare {
  return { ...content, kind: 'folder', filename, path, manifest, identities }
}
