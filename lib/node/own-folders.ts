/** The folders that a node offers: how one is added, what becomes of its files that change, and how it is taken back. */
import type { EventEmitter } from 'node:events'
import pLimit from 'p-limit'
import type { PieceList } from '../content/digest.js'
import { PieceSet } from '../content/piece-set.js'
import { isGone } from '../disk/where-it-lies.js'
import type { Manifest } from '../manifest/manifest.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { FolderEvent, FolderName, FolderShare } from '../share/folder-share.js'
import { shareFile } from '../share/share-file.js'
import { Versions } from '../share/versions.js'
import { sameFiles } from '../tree/compare-trees.js'
import { digestTree, type DigestedTree, type DigestTreeOptions } from '../tree/digest-tree.js'
import { setIdentity, type TreeIdentities } from '../tree/identities.js'
import type { Activity, Task } from './activity.js'
import type { NodeEvents, SharingEvent } from './events.js'
import type { Offers } from './offers.js'
import { secondsSince, type NamedFile } from './own-shares.js'
import { CORES, type WorkerPool } from './worker-pool.js'

/** Files that something has changed about are digested again so many at a time. */
const LOOKS_AT_ONCE = 2
/** How often it is looked whether an older version has been asked for. */
const LOOKS_PER_KEPT_TIME = 60

export interface OwnFoldersOptions {
  /** @throws E_INTERRUPTED if the node is not running. */
  pool: () => Promise<WorkerPool>
  activity: Activity
  offers: Offers
  /** Where it is told what happens. */
  events: Pick<EventEmitter<NodeEvents>, 'emit'>
  /** How long a version that was replaced goes on to answer after the last question for it. */
  keepOldMs: number
  /** How long nobody has asked the thread that serves for it. */
  idleMs: (folder: FolderName) => Promise<number | undefined>
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

/** As for `digestTree`. */
export type FolderOptions = Pick<DigestTreeOptions, 'treeFile' | 'hasTimes' | 'skipSpecial' | 'allowShrink'>

/** What has come of a folder, and lies under its name. */
export interface ArrivedFolder {
  manifest: Manifest
  /** By entry, of those that are there. */
  identities: TreeIdentities
  /** Those that are there, by their numbers, ascending; all if left out. */
  entries?: Uint32Array
  /** Of the file system. */
  dev: bigint
  /** When its files were looked at, by the wall clock. */
  lookedAtMs: number
}

export class OwnFolders {
  readonly #options: OwnFoldersOptions
  readonly #versions = new Versions()
  readonly #limitLooks = pLimit(LOOKS_AT_ONCE)
  /** Files that are looked at: folder's digest and entry. */
  readonly #looking = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor (options: OwnFoldersOptions) {
    this.#options = options
  }

  /** Digests a folder, what of it is not known from before, and offers it. @throws as `digestTree`; E_EXISTS if something else has that name here. */
  async add (file: NamedFile, options: FolderOptions): Promise<SharingEvent> {
    const { activity, offers } = this.#options
    return await activity.digest(file.filename, async (task) => {
      const startedMs = performance.now()
      await offers.assertFree(file)
      const tree = await this.#digest(file.path, options, task)
      const replaces = this.#versions.upload(file.filename, tree.content.digest)
      return await this.offer({ ...shareOf(file, tree), origin: true, replaces }, startedMs)
    })
  }

  /**
   * The downloader is an owner now, of what it has of the folder. What the tracker says to that is not waited for: the folder is there.
   *
   * @param replaces the digests that the content replaces, as its owners say
   */
  async addDownloaded ({ filename, path }: NamedFile, content: Content & { pieces: PieceList }, { manifest, identities, entries, dev, lookedAtMs }: ArrivedFolder, replaces: readonly string[] | undefined, treeFile: string | undefined): Promise<void> {
    const { offers, pool, onError } = this.#options
    // That it can't be offered, or remembered, is another matter.
    const fail = (error: unknown): void => onError(toPiecemealError(error))
    try {
      const lacks = entries && piecesBeside(entries, manifest)
      const { announced } = await offers.offerFolder({ ...content, kind: 'folder', filename, path, manifest, identities, replaces, ...(lacks && lacks.size > 0 && { lacks }) })
      announced.catch(fail)
      this.#watchKept()
      if (entries === undefined) await (await pool()).trees.keepTree({ root: path, dev, manifest: manifest.data, identities, lookedAtMs, treeFile })
    } catch (error) {
      fail(error)
    }
  }

  /** Offers a folder that is digested. */
  async offer (share: FolderShare, startedMs: number): Promise<SharingEvent> {
    const { offers, events } = this.#options
    const { announced } = await offers.offerFolder(share)
    this.#watchKept()
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
    if (!offers.removeFolder(filename)) return
    events.emit('withdrawn', { file: filename, code: 'E_CHANGED', message: `the folder ${quote(filename)} is gone; upload it again once it is back` })
  }

  /** Because its user wants it. @returns whether it was offered */
  remove (filename: string): boolean {
    const { offers, events } = this.#options
    if (!offers.removeFolder(filename)) return false
    events.emit('unshared', { file: filename })
    return true
  }

  /** Digests all files again. @throws E_CHANGED if one of them is not what was announced. */
  async verify ({ filename, digest, path, manifest, identities }: FolderShare): Promise<void> {
    const { activity, events } = this.#options
    await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      const now = await this.#digest(path, { treeFile: undefined, hasTimes: false, skipSpecial: true, allowShrink: true }, task)
      const same = sameFiles(manifest, now.manifest)
      let at = 0
      let lost = 0
      for (let entry = 0; entry < manifest.entryCount; entry++) {
        if (!manifest.isFile(entry)) continue
        if (same[at] !== entry) {
          lost++
          await this.lost({ filename, digest }, entry)
          continue
        }
        const there = same[at + 1] ?? 0
        if (identities) for (const field of ['dev', 'ino', 'mtimeNs', 'ctimeNs'] as const) identities[field][entry] = now.identities[field][there] ?? 0n
        at += 2
      }
      if (lost > 0) throw new PiecemealError('E_CHANGED', `${lost} files of ${quote(filename)} have changed since they were announced; upload it again to share it as it is now`)
      events.emit('verified', { file: filename, bytes: manifest.head.size, digest, seconds: secondsSince(startedMs) })
    })
  }

  /** Looks for nothing any more. Safe to call twice. */
  close (): void {
    clearInterval(this.#timer)
    this.#limitLooks.clearQueue()
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

  async #digest (root: string, options: FolderOptions, task: Task): Promise<DigestedTree> {
    const pool = await this.#options.pool()
    return await digestTree(root, {
      ...options,
      threads: pool.trees,
      tasksAtOnce: CORES,
      onProgress: ({ bytes, size }) => task.reach(bytes, size),
      signal: task.signal,
    })
  }

  /** Older versions that nobody asks for any more are forgotten. */
  #watchKept (): void {
    const { offers, keepOldMs } = this.#options
    if (offers.folders.kept.length === 0) return
    this.#timer ??= setInterval(() => { void this.#forgetKept() }, Math.max(1, keepOldMs / LOOKS_PER_KEPT_TIME)).unref()
  }

  async #forgetKept (): Promise<void> {
    const { offers, keepOldMs, idleMs } = this.#options
    for (const kept of [...offers.folders.kept]) {
      const idle = Math.min(performance.now() - kept.askedMs, await idleMs(kept.share).catch(() => undefined) ?? Infinity)
      if (idle >= keepOldMs) offers.dropKept(kept)
    }
    if (offers.folders.kept.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** All pieces but those of some entries. */
function piecesBeside (entries: Uint32Array, manifest: Manifest): PieceSet {
  const beside = new PieceSet(manifest.pieceCount)
  beside.addRange(0, beside.pieceCount)
  for (const entry of entries) beside.deleteRange(manifest.firstPieceOf(entry), manifest.firstPieceOf(entry + 1))
  return beside
}

function shareOf ({ filename, path }: NamedFile, { manifest, identities, content }: DigestedTree): FolderShare {
  return { ...content, kind: 'folder', filename, path, manifest, identities }
}
