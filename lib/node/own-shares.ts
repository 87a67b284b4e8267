/** The files of the node's folder that it offers: how one is added, looked at again, and taken back. */
import type { EventEmitter } from 'node:events'
import type { PieceList } from '../content/digest.js'
import type { DigestCache } from '../disk/digest-cache.js'
import { identifyOwnFile, isSameFile, type FileIdentity } from '../disk/own-file.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { LookAgain } from '../share/look-again.js'
import { identifyShare } from '../share/open-share.js'
import { shareFile } from '../share/share-file.js'
import type { ServedFile, Share } from '../share/share-index.js'
import { Versions } from '../share/versions.js'
import type { Activity, Task } from './activity.js'
import type { NodeEvents, SharingEvent } from './events.js'
import type { Offers } from './offers.js'
import type { WorkerPool } from './worker-pool.js'

export interface OwnSharesOptions {
  /** `DIR/NAME` */
  folder: string
  /** What is remembered of digests, once the folder is open. */
  digests: () => DigestCache
  /** @throws E_INTERRUPTED if the node is not running. */
  pool: () => Promise<WorkerPool>
  activity: Activity
  offers: Offers
  /** Where it is told what happens. */
  events: Pick<EventEmitter<NodeEvents>, 'emit'>
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

export class OwnShares {
  readonly #options: OwnSharesOptions
  readonly #lookAgain: LookAgain
  readonly #versions = new Versions()

  constructor (options: OwnSharesOptions) {
    const { folder, digests, activity, offers } = options
    this.#options = options
    this.#lookAgain = new LookAgain({
      folder,
      shares: offers.shares,
      digest: async (filename) => await activity.digest(filename, async (task) => await this.#digest(filename, task, digests())),
      onSame: async (share) => await offers.renew(share),
      onChanged: (share) => { this.withdraw(share) },
    })
  }

  /** Digests a file, unless that was done before, and offers it. @throws E_IO, E_FORBIDDEN, E_CHANGED, E_LIMIT. */
  async add (filename: string): Promise<SharingEvent> {
    const { activity, digests, offers, events } = this.#options
    return await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      const share = await this.#digest(filename, task, digests())
      const announced = await offers.add({ ...share, origin: true, replaces: this.#versions.upload(filename, share.digest) })
      const event = { file: filename, bytes: share.size, digest: share.digest, announced, seconds: secondsSince(startedMs) }
      events.emit('sharing', event)
      return event
    })
  }

  /** The downloader is an owner now, of the file as it was just published. What the tracker says to that is not waited for: the file is there. @param replaces the digests that the content replaces, as its owners say */
  async addDownloaded (filename: string, content: Content & { pieces: PieceList }, known: FileIdentity | undefined, replaces: readonly string[] | undefined): Promise<void> {
    const { folder, digests, offers, onError } = this.#options
    // The file is there and right; that it can't be offered is another matter.
    const fail = (error: unknown): void => onError(toPiecemealError(error))
    try {
      const identity = known ?? await identifyOwnFile(folder, filename)
      if (identity.size !== BigInt(content.size)) return
      await digests().put(filename, identity, content)
      const { announced } = await offers.offer({ filename, identity, ...content, replaces })
      announced.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** Because its user wants it. @throws E_NOT_SHARED. */
  remove (filename: string): void {
    const { offers, events } = this.#options
    offers.remove(offers.shares.get(filename))
    events.emit('unshared', { file: filename })
  }

  /** A file is not what was announced any more. */
  withdraw (file: ServedFile): PiecemealError {
    const { offers, events } = this.#options
    const error = new PiecemealError('E_CHANGED', `${quote(file.filename)} has changed since it was announced; upload it again to share it as it is now`)
    if (offers.remove(file)) events.emit('withdrawn', { file: file.filename, code: error.code, message: error.message })
    return error
  }

  /** Something about a file is not as it was. */
  suspect (file: ServedFile): void {
    this.#lookAgain.suspect(file).catch((error: unknown) => this.#options.onError(toPiecemealError(error)))
  }

  /** Digests a file again, or all of them. @throws E_NOT_SHARED; the first failure, when all have been looked at: E_CHANGED if a file was withdrawn. */
  async verify (filename: string | undefined): Promise<void> {
    const { shares } = this.#options.offers
    const asked = filename === undefined ? [...shares] : [shares.get(filename)]
    const results = await Promise.allSettled(asked.map(async (share) => await this.#verify(share)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #verify (share: Share): Promise<void> {
    const { activity, offers, events } = this.#options
    const { filename, size, digest } = share
    await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      const found = await this.#find(share, task)
      if (found?.digest !== digest) throw this.withdraw(share)
      // A file that was only touched is trusted again; one that was shared anew meanwhile is trusted anyway.
      if (offers.shares.current(share) && !isSameFile(found.identity, share.identity)) await offers.renew({ ...share, identity: found.identity })
      events.emit('verified', { file: filename, bytes: size, digest, seconds: secondsSince(startedMs) })
    })
  }

  /** The file as it is now; undefined if it is surely another one, or gone. */
  async #find (share: Share, task: Task): Promise<Share | undefined> {
    const { folder, digests } = this.#options
    try {
      await identifyShare(folder, share)
      // Not from the cache: the question is whether the file is still what was remembered.
      return await this.#digest(share.filename, task, { get: async () => await Promise.resolve(undefined), put: async (...entry) => await digests().put(...entry) })
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') return undefined
      throw error
    }
  }

  async #digest (filename: string, task: Task, cache: Pick<DigestCache, 'get' | 'put'>): Promise<Share> {
    const pool = await this.#options.pool()
    return await shareFile(filename, {
      folder: this.#options.folder,
      cache,
      digestPieces: async (digestTask) => await pool.digestPieces(digestTask),
      onProgress: (bytes, size) => task.reach(bytes, size),
      signal: task.signal,
    })
  }
}

export function secondsSince (ms: number): number {
  return (performance.now() - ms) / 1_000
}
