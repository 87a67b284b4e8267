/** The downloads of a node: where each goes, what is fetched for it, and what becomes of it once it is there. */
import type { EventEmitter } from 'node:events'
import type { NodeFolder, Destination, WorkingFolder } from '../disk/node-folder.js'
import type { DownloadContext } from '../download/context.js'
import { download, type Downloaded } from '../download/download.js'
import type { DownloadedFolder } from '../download/folder.js'
import type { Turn } from '../download/turns.js'
import type { NodeMetrics } from '../metrics/node-metrics.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import type { Deadlines } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { Coming } from '../reading/coming.js'
import type { Library } from '../reading/library.js'
import type { RateLimit } from '../threads/rate-limit.js'
import type { Activity, Task } from './activity.js'
import type { NodeEvents, SavedEvent } from './events.js'
import { hereAlready } from './here-already.js'
import type { Offers } from './offers.js'
import type { FetchOptions } from './options.js'
import type { OwnFolders } from './own-folders.js'
import { secondsSince, type NamedFile, type OwnShares } from './own-shares.js'
import type { Remembered } from './remembered.js'
import type { Place, Updates } from './updates.js'
import type { WorkerPool } from './worker-pool.js'

export interface OwnDownloadsOptions {
  /** Of the node. */
  name: string
  credentials: DownloadContext['credentials']
  deadlines: Deadlines
  down: RateLimit
  /** Whether parts have files of their own even where they could be written at their places in one. */
  separateParts: boolean
  /** @throws E_INTERRUPTED if the node is not running, as `pool` does. */
  folder: () => WorkingFolder
  pool: () => Promise<WorkerPool>
  find: (filename: string, digest: string | undefined) => Promise<Found>
  activity: Activity
  offers: Offers
  shares: OwnShares
  folders: OwnFolders
  updates: Updates
  /** Who reads a file while it comes. */
  library: Pick<Library, 'follow'>
  metrics: NodeMetrics
  /** What is remembered over a restart, if anything is, once the folder is open. */
  remembered: () => Remembered | undefined
  /** Whether the node ends: what that cuts off goes on after a restart. */
  isStopping: () => boolean
  /** Where it is told what happens. */
  events: Pick<EventEmitter<NodeEvents>, 'emit'>
}

export type DownloadOptions = FetchOptions & { signal?: AbortSignal | undefined }

/** What has come: what of a folder was wanted, and what of it is a file of the version before that somebody has written to. */
interface Arrived extends Downloaded {
  patterns?: readonly string[] | undefined
  written?: Uint32Array
}

export class OwnDownloads {
  readonly #options: OwnDownloadsOptions
  /** File name → where its download goes. */
  readonly #targets = new Map<string, string>()

  constructor (options: OwnDownloadsOptions) {
    this.#options = options
  }

  /** Fetches a file or a folder, when it is its turn, and offers it. @param coming may be read meanwhile @throws any code that a download may end with. */
  async download (filename: string, options: DownloadOptions, coming: Coming): Promise<{ event: SavedEvent, content: Content }> {
    const { activity, folder, offers, library, remembered, isStopping } = this.#options
    return await activity.download(filename, async (task, turn) => {
      const startedMs = performance.now()
      const stop = (): void => task.stop()
      options.signal?.addEventListener('abort', stop, { once: true })
      if (options.signal?.aborted) stop()
      const target = { filename, path: await folder().targetOf(filename, options.to) }
      await offers.assertFree(target)
      this.#targets.set(filename, target.path)
      this.#rememberBegin(target, options)
      const unfollow = library.follow(coming)
      try {
        return await this.#arrived(target, await this.#fetchVersion(target, options, task, turn, coming), startedMs, task, coming)
      } catch (error) {
        coming.failed(error)
        throw error
      } finally {
        unfollow()
        if (!isStopping()) remembered()?.end(filename)
        options.signal?.removeEventListener('abort', stop)
        this.#targets.delete(filename)
        offers.abandon(filename)
      }
    })
  }

  /** Ends the download of a file, and removes what is kept of it. @throws E_USAGE if there is neither; E_NAME, E_IO. */
  async cancel (filename: string, to: string | undefined): Promise<void> {
    const { activity } = this.#options
    const folder = this.#options.folder()
    const target = to === undefined ? undefined : await folder.targetOf(filename, to)
    const going = this.#targets.get(filename)
    if (target !== undefined && going !== undefined && going !== target) throw new PiecemealError('E_USAGE', `${quote(filename)} is being downloaded to ${quote(going)}`)
    const wasRunning = activity.isFetching(filename)
    const wasKept = await activity.cancel(filename, async () => await folder.removeKept(filename, target))
    if (!wasRunning && !wasKept) throw new PiecemealError('E_USAGE', `${quote(filename)} is not being downloaded, and nothing is kept of it`)
  }

  /** For what is fetched into the cache, to be read. @param within the folder that has the cache */
  async contextToRead (within: NodeFolder, target: string, hiddenFolder: string, turn: Turn): Promise<DownloadContext> {
    return this.#context(await this.#options.pool(), within.within(target, hiddenFolder), turn)
  }

  #rememberBegin ({ filename, path }: NamedFile, { digest, to, only, skipMissing, update, allowShrink }: FetchOptions): void {
    this.#options.remembered()?.begin({
      name: filename,
      ...(digest !== undefined && { digest }),
      ...(to !== undefined && { to: path }),
      ...(only && { only: [...only] }),
      ...(skipMissing && { skipMissing }),
      ...(update && { update }),
      ...(allowShrink && { allowShrink }),
    })
  }

  /** What is not there, or, where that is wanted, what is another version of what is there. */
  async #fetchVersion (target: NamedFile, options: FetchOptions, task: Task, turn: Turn, coming: Coming): Promise<Arrived> {
    const { find, updates } = this.#options
    const { update = false, only } = options
    // Of a folder that came in part more may be wanted.
    const place = update || only ? await updates.look(target, task) : undefined
    if (place === undefined) return { ...await this.#fetch(target, options, task, turn, coming), patterns: only }
    const found = await find(target.filename, options.digest)
    const isSame = found.digest === place.digest
    if (isSame && update && place.content.digest === found.digest) return updates.asDownloaded(place, found.replaces)
    const patterns = isSame && place.patterns ? [...new Set([...place.patterns, ...only ?? []])] : only ?? place.patterns
    const isMore = isSame && place.patterns !== undefined && patterns?.length !== place.patterns.length
    if (!update && !isMore) throw new PiecemealError('E_EXISTS', `${quote(target.filename)} exists already; --update replaces what is there by a version after it`)
    const digest = options.digest && found.digest
    return { ...await this.#fetch(target, { ...options, digest, only: patterns }, task, turn, coming, place), patterns }
  }

  async #fetch ({ filename, path }: NamedFile, { digest, only, skipMissing, allowShrink }: FetchOptions, task: Task, turn: Turn, coming: Coming, place?: Place): Promise<Arrived> {
    const { offers, updates } = this.#options
    const [folder, pool] = [this.#options.folder(), await this.#options.pool()]
    try {
      const destination = await folder.destination(filename, path, async (hiddenFolder) => await pool.findAbilities(hiddenFolder))
      const places = place && updates.places(destination.hiddenFolder)
      const downloaded = await download({
        filename,
        digest,
        only,
        skipMissing,
        standing: place,
        allowShrink,
        signal: task.signal,
        readers: coming.readers,
        onGood: (content, pieces, run) => {
          offers.place(content, pieces, run)
          coming.place(content, run)
        },
        onUnpacked: ({ found: { size, digest, pieceLength, replaces }, pieces, manifest, root }, range) =>
          offers.placeOfFolder({ kind: 'folder', filename, path: root, size, digest, pieceLength, pieces, manifest, replaces }, range),
        onProgress: ({ bytes, size, reached, ...sources }) => task.reach(bytes, size, sources, reached),
        onWaiting: (waiting) => task.wait(waiting),
      }, this.#context(pool, { ...destination, ...(places && { arrived: places.arrived }) }, turn))
      if (place === undefined || places === undefined) return downloaded
      const written = await updates.exchange(place, places, { ...downloaded, filename, patterns: only })
      // A file that is moved is another one by its times.
      return { ...downloaded, identity: undefined, written }
    } finally {
      // What can't be removed now is removed at the next start.
      await folder.leave(filename, path).catch(() => {})
    }
  }

  /** It has its name: from here on this node is an owner of it. */
  async #arrived (target: NamedFile, { patterns, written, ...downloaded }: Arrived, startedMs: number, task: Task, coming: Coming): Promise<{ event: SavedEvent, content: Content }> {
    const { shares, folders, metrics, events } = this.#options
    const { size, digest, pieceLength, pieces, identity, owners, replaces, resumedBytes, hereBytes, zeroBytes, folder } = downloaded
    const content = { size, digest, pieceLength, pieces }
    const rememberTree = folder && await folders.addDownloaded(target, content, { ...folder, patterns }, replaces)
    if (!folder) await shares.addDownloaded(target, content, identity, replaces)
    // Of a folder that is its manifest, which nobody reads.
    if (!folder) coming.arrived(content, target.path)
    if (written) await folders.look({ filename: target.filename, digest }, written)
    const { files, without = 0 } = folder ?? {}
    const event = {
      file: target.filename,
      bytes: folder?.bytes ?? size,
      digest,
      seconds: secondsSince(startedMs),
      owners,
      ...(files !== undefined && { files }),
      ...(without > 0 && { without }),
      resumed: resumedBytes,
      here: hereBytes,
      zeros: zeroBytes,
      path: target.path,
    }
    if (folder && folder.otherTimes > 0) events.emit('warning', { message: `${folder.otherTimes} files of ${quote(target.filename)} have another time than they had: this file system has no such times` })
    metrics.saved(event.seconds)
    task.isSaved = true
    events.emit('saved', event)
    await rememberTree?.()
    if (folder) await this.#rememberFolder(target, folder, patterns)
    return { event, content }
  }

  /** What came in part, or with times that are none of its own, would be another folder when it is digested after a restart. */
  async #rememberFolder ({ filename, path }: NamedFile, { manifest, entries, otherTimes }: Pick<DownloadedFolder, 'manifest' | 'entries' | 'otherTimes'>, patterns: readonly string[] | undefined): Promise<void> {
    const remembered = this.#options.remembered()
    const isAsAnnounced = entries === undefined && patterns === undefined && otherTimes === 0
    if (isAsAnnounced) await remembered?.putFolder({ name: filename, path, ...(manifest.data.times && { times: true }) })
    else remembered?.forget(filename)
  }

  #context (pool: WorkerPool, { target, arrived, hiddenFolder, naming, hasHoles, begin }: Destination & Pick<DownloadContext, 'arrived'>, turn: Turn): DownloadContext {
    const { name, separateParts, find, offers, down, metrics, deadlines, credentials } = this.#options
    return {
      name,
      target,
      arrived,
      hiddenFolder,
      naming,
      inWindows: hasHoles && !separateParts,
      findOwners: async (filename, digest) => {
        const found = await find(filename, digest)
        await begin?.(found.digest)
        return found
      },
      fetchPart: async (task, signal) => await pool.fetchPart(task, signal),
      giveName: async (task) => await pool.giveName(task),
      digestPieces: async (task) => await pool.digestPieces(task),
      here: hereAlready(offers),
      trees: pool.trees,
      slots: pool.slots,
      turn,
      down,
      onPartEnd: (bytes, failure) => metrics.partEnded(bytes, failure),
      deadlines,
      credentials,
    }
  }
}
