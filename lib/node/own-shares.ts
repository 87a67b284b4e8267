/** The files that a node offers, of its folder or where they lie: how one is added, looked at again, and taken back. */
import type { EventEmitter } from 'node:events'
import type { PieceList } from '../content/digest.js'
import type { DigestCache } from '../disk/digest-cache.js'
import { identifyOwnFile, isSameFile, type FileIdentity } from '../disk/own-file.js'
import { isGone } from '../disk/where-it-lies.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { LookAgain } from '../share/look-again.js'
import { MissingShares } from '../share/missing-shares.js'
import { identifyShare } from '../share/open-share.js'
import { shareFile } from '../share/share-file.js'
import type { ServedFile, Share } from '../share/share-index.js'
import { Versions } from '../share/versions.js'
import type { Activity, Task } from './activity.js'
import type { NodeEvents, SharingEvent } from './events.js'
import type { Offers } from './offers.js'
import type { Remembered } from './remembered.js'
import type { WorkerPool } from './worker-pool.js'

/** A name, and the absolute path of the file that goes by it. */
export type NamedFile = Pick<ServedFile, 'filename' | 'path'>

export interface OwnSharesOptions {
  /** What is remembered of digests, once the folder is open. */
  digests: () => DigestCache
  /** @throws E_INTERRUPTED if the node is not running. */
  pool: () => Promise<WorkerPool>
  activity: Activity
  offers: Offers
  /** What is remembered over a restart, if anything is, once the folder is open. */
  remembered: () => Remembered | undefined
  /** Where it is told what happens. */
  events: Pick<EventEmitter<NodeEvents>, 'emit'>
  /** How often files that are gone are looked for, in milliseconds. */
  missingLookMs: number
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

export class OwnShares {
  readonly #options: OwnSharesOptions
  readonly #lookAgain: LookAgain
  readonly #missing: MissingShares<Share>
  readonly #versions = new Versions()

  constructor (options: OwnSharesOptions) {
    const { digests, activity, offers, onError } = options
    const report = (error: unknown): void => onError(toPiecemealError(error))
    this.#options = options
    this.#lookAgain = new LookAgain({
      shares: offers.shares,
      digest: async (file) => await activity.digest(file.filename, async (task) => await this.#digest(file, task, digests())),
      onSame: async (share) => await this.#renew(share),
      onChanged: (share) => { this.withdraw(share).catch(report) },
    })
    this.#missing = new MissingShares({ lookMs: options.missingLookMs, onFound: (share) => { this.#comeBack(share).catch(report) } })
  }

  /** Those that are gone, and are looked for. */
  get missing (): Iterable<Share> {
    return this.#missing
  }

  /** Digests a file, unless that was done before, and offers it. @throws E_EXISTS if another one has that name here; E_IO, E_FORBIDDEN, E_CHANGED, E_LIMIT. */
  async add (file: NamedFile): Promise<SharingEvent> {
    const { activity, digests, offers } = this.#options
    const { filename } = file
    return await activity.digest(filename, async (task) => {
      const startedMs = performance.now()
      await offers.assertFree(file)
      const share = await this.#digest(file, task, digests())
      return await this.#offer({ ...share, origin: true, replaces: this.#versions.upload(filename, share.digest) }, startedMs)
    })
  }

  /** The downloader is an owner now, of the file as it was just published. What the tracker says to that is not waited for: the file is there. @param replaces the digests that the content replaces, as its owners say */
  async addDownloaded ({ filename, path }: NamedFile, content: Content & { pieces: PieceList }, known: FileIdentity | undefined, replaces: readonly string[] | undefined): Promise<void> {
    const { digests, offers, remembered, onError } = this.#options
    // The file is there and right; that it can't be offered is another matter.
    const fail = (error: unknown): void => onError(toPiecemealError(error))
    try {
      const identity = known ?? await identifyOwnFile(path)
      if (identity.size !== BigInt(content.size)) return
      await digests().put(path, identity, content)
      const share = { filename, path, identity, ...content, replaces }
      const { announced } = await offers.offer(share)
      announced.catch(fail)
      await remembered()?.put(share)
    } catch (error) {
      fail(error)
    }
  }

  /** Because its user wants it. @throws E_NOT_SHARED. */
  remove (filename: string): void {
    const { offers, remembered, events } = this.#options
    const wasRemembered = remembered()?.forget(filename) === true
    if (!this.#missing.remove(filename) && (offers.shares.has(filename) || !wasRemembered)) offers.remove(offers.shares.get(filename))
    events.emit('unshared', { file: filename })
  }

  /** A file is not what was announced any more. @returns why it is not shared any more */
  async withdraw (file: ServedFile): Promise<PiecemealError> {
    const { offers, events } = this.#options
    const { filename, path } = file
    const share = offers.shares.current(file)
    const wasOffered = offers.remove(file)
    const isMissing = await isGone(path)
    const error = new PiecemealError('E_CHANGED', isMissing
      ? `${quote(filename)} is gone; it is shared again once it is back`
      : `${quote(filename)} has changed since it was announced; upload it again to share it as it is now`)
    if (!wasOffered) return error
    if (isMissing && share && !offers.shares.has(filename)) this.#missing.add(share)
    events.emit('withdrawn', { file: filename, code: error.code, message: error.message })
    return error
  }

  /** Looks for nothing any more. */
  close (): void {
    this.#missing.close()
  }

  /**
   * Shares what was shared before the restart, as far as its files are as they were. To be called before the tracker is told of anything.
   *
   * @returns digests those that have changed, in the background
   */
  async restore (remembered: Remembered): Promise<() => void> {
    const { digests, offers, onError } = this.#options
    const changed: NamedFile[] = []
    for (const { how, share } of await remembered.recall(digests())) {
      this.#versions.upload(share.filename, share.digest)
      if (how === 'changed') changed.push(share)
      else if (how === 'gone') this.#missing.add(share)
      else await offers.renew(share)
    }
    return () => { for (const file of changed) this.add(file).catch((error: unknown) => onError(toPiecemealError(error))) }
  }

  /** Something about a file is not as it was. */
  suspect (file: ServedFile): void {
    this.#lookAgain.suspect(file).catch((error: unknown) => this.#options.onError(toPiecemealError(error)))
  }

  /** A file that is not offered, as it is now; from what is remembered, if it has not changed. @throws E_IO, E_FORBIDDEN, E_CHANGED. */
  async digestOf (file: NamedFile): Promise<Share> {
    const { activity, digests } = this.#options
    return await activity.digest(file.filename, async (task) => await this.#digest(file, task, digests()))
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
      if (found?.digest !== digest) throw await this.withdraw(share)
      // A file that was only touched is trusted again; one that was shared anew meanwhile is trusted anyway.
      if (offers.shares.current(share) && !isSameFile(found.identity, share.identity)) await this.#renew({ ...share, identity: found.identity })
      events.emit('verified', { file: filename, bytes: size, digest, seconds: secondsSince(startedMs) })
    })
  }

  /** The file as it is now; undefined if it is surely another one, or gone. */
  async #find (share: Share, task: Task): Promise<Share | undefined> {
    const { digests } = this.#options
    try {
      await identifyShare(share)
      // Not from the cache: the question is whether the file is still what was remembered.
      return await this.#digest(share, task, { get: async () => await Promise.resolve(undefined), put: async (...entry) => await digests().put(...entry) })
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') return undefined
      throw error
    }
  }

  /** Something is where a missing file was: shared again if it has the same bytes. */
  async #comeBack (share: Share): Promise<void> {
    const { activity, offers, digests } = this.#options
    await activity.digest(share.filename, async (task) => {
      const startedMs = performance.now()
      const found = await this.#digest(share, task, digests())
      if (offers.shares.has(share.filename)) return
      if (found.digest === share.digest) await this.#offer({ ...share, identity: found.identity }, startedMs)
    })
  }

  async #renew (share: Share): Promise<void> {
    const { offers, remembered } = this.#options
    await offers.renew(share)
    await remembered()?.put(share)
  }

  async #offer (share: Share, startedMs: number): Promise<SharingEvent> {
    const { offers, remembered, events } = this.#options
    const { filename, size, digest } = share
    const announced = await offers.add(share)
    this.#missing.remove(filename)
    await remembered()?.put(share)
    const event = { file: filename, bytes: size, digest, announced, seconds: secondsSince(startedMs) }
    events.emit('sharing', event)
    return event
  }

  async #digest (file: NamedFile, task: Task, cache: Pick<DigestCache, 'get' | 'put'>): Promise<Share> {
    const pool = await this.#options.pool()
    return await shareFile(file, {
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
