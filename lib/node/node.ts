/**
 * A node: one folder, one name, two ports. It shares files of its folder and fetches others into it.
 *
 * Longer than 250 lines because it is the library's interface, with the documentation of each method,
 * and the one place that puts the rooms of the house together; what a method does is in those rooms.
 */
import { EventEmitter } from 'node:events'
import { rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { DownloadContext } from '../download/context.js'
import { shareOut, spareDescriptors, type DescriptorShares } from '../threads/descriptors.js'
import { RateLimit } from '../threads/rate-limit.js'
import { StreamCount } from '../threads/stream-count.js'
import { listenAddressesOf } from '../net/hosts.js'
import { DEFAULT_TRACKER, type Address } from '../protocol/address.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { DEADLINES, SPARE_ROOM_BYTES, type Deadlines } from '../protocol/limits.js'
import { assertFileName, assertNodeName, quote } from '../protocol/names.js'
import { isDigest } from '../protocol/content.js'
import type { Files, Found } from '../protocol/tracker-to-node.js'
import { assertNotExposed, type Exposure } from '../secret/exposure.js'
import { credentialsFor } from '../secret/keys.js'
import { Coming } from '../reading/coming.js'
import { ReadFolders } from '../reading/read-folders.js'
import type { Library } from '../reading/library.js'
import type { FolderShare } from '../share/folder-share.js'
import type { ServedFile } from '../share/share-index.js'
import { MetadataServer } from '../share/metadata-server.js'
import { UploadThread } from '../share/upload-thread.js'
import { Activity } from './activity.js'
import type { ListeningEvent, NodeEvents, NodeStatus, SavedEvent, SharingEvent } from './events.js'
import { GuestFolder } from '../disk/guest-folder.js'
import { NodeFolder, type WorkingFolder } from '../disk/node-folder.js'
import { assertAbsent, publish } from '../disk/publish.js'
import { receiveFile } from '../disk/receive-file.js'
import { freeBytes } from '../disk/room.js'
import { sessionOf } from '../disk/session-file.js'
import type { RememberedDownload } from '../disk/shares-file.js'
import { isFolder, whereItLies } from '../disk/where-it-lies.js'
import { NodeMetrics, type NodeLevels } from '../metrics/node-metrics.js'
import { Offers, type OpenPorts } from './offers.js'
import type { FetchOptions, NodeLimits, NodeOptions, UploadOptions } from './options.js'
import { readFiles } from './read-files.js'
import { OwnDownloads } from './own-downloads.js'
import { OwnFolders } from './own-folders.js'
import { OwnShares } from './own-shares.js'
import { HELD_MS, whenFree } from './patience.js'
import { Remembered } from './remembered.js'
import { Reports } from './reports.js'
import { Updates } from './updates.js'
import { TrackerClient } from './tracker-client.js'
import type { WorkerPool } from './worker-pool.js'

/** How long `start` waits for the tracker's first answer; a name that is taken is known by then. */
const FIRST_ANSWER_MS = 1_000

export class Node extends EventEmitter<NodeEvents> {
  readonly name: string
  /** Where its files are: `DIR/NAME`, unless it was told. */
  readonly folder: string
  /** @internal */
  readonly metrics: NodeMetrics
  readonly #options: Required<Omit<NodeOptions, keyof NodeLimits | 'secret' | 'insecure' | 'deadlines' | 'advertise' | 'giveUpMs' | 'keepOldMs' | 'isReporting' | 'folder' | 'digestsIn' | 'cacheBytes' | 'keepsRead'>> & Pick<NodeOptions, 'advertise' | 'digestsIn'>
  readonly #deadlines: Deadlines
  readonly #exposure: Exposure
  /** What it shows when it dials. */
  readonly #credentials: DownloadContext['credentials']
  /** What is read through the node: files of its own, and those of others. @internal */
  readonly library: Library
  /** The same of folders. @internal */
  readonly readFolders: ReadFolders
  /** The streams that go out beside those to other nodes; they keep within one limit together. @internal */
  readonly streams = new StreamCount(1)
  /** Of the gateway, if it has one that others reach as they reach the node. To be set before it starts. */
  httpPort: number | undefined
  readonly #rates = { up: new RateLimit(), down: new RateLimit() }
  readonly #descriptors: DescriptorShares
  readonly #offers: Offers
  readonly #metadataServer: MetadataServer
  readonly #uploads: UploadThread
  readonly #tracker: TrackerClient
  readonly #activity: Activity
  readonly #own: OwnShares
  readonly #folders: OwnFolders
  readonly #reports: Reports | undefined
  readonly #updates: Updates
  readonly #downloads: OwnDownloads
  /** Versions that an earlier run has replaced. */
  #letOldGo: (() => Promise<void>) | undefined
  #isStopping = false
  #disk: WorkingFolder | undefined
  #remembered: Remembered | undefined
  #session: string | undefined
  #pool: Promise<WorkerPool> | undefined
  /** What happened before `listening`, which is always told first. */
  readonly #untold: Array<() => void> = []
  #starting: Promise<ListeningEvent> | undefined
  #isListening = false
  /** What `host` stands for. */
  #hosts: readonly string[] = []
  #ports: { input: Address, output: Address } | undefined
  #closed: Promise<void> | undefined

  /** @throws E_NAME; E_USAGE for a limit that is no rate. */
  constructor ({ up, down, secret, insecure, deadlines, giveUpMs, keepOldMs, isReporting = true, cacheBytes, keepsRead = false, folder, ...options }: NodeOptions) {
    super()
    // Each of any number of downloads may want to know how far it is.
    this.setMaxListeners(0)
    assertNodeName(options.name)
    this.#deadlines = { ...DEADLINES, ...deadlines, ...(giveUpMs !== undefined && { giveUpMs }), ...(keepOldMs !== undefined && { keepOldMs }) }
    this.limit('up', up)
    this.limit('down', down)
    this.#options = { tracker: DEFAULT_TRACKER, dir: 'node_files', host: '127.0.0.1', inputPort: 0, outputPort: 0, separateParts: false, isGuest: false, remember: false, ...options }
    this.#exposure = { host: this.#options.host, secret, insecure }
    this.name = options.name
    this.folder = folder === undefined ? resolve(this.#options.dir, this.name) : resolve(folder)
    this.#activity = new Activity({
      onProgress: (event) => this.emit('progress', event),
      onWaiting: (event) => this.emit('waiting', event),
    })
    const serving = {
      deadlines: this.#deadlines,
      onChanged: (file: ServedFile) => { this.#own.withdraw(file).catch((error: unknown) => this.#report(toPiecemealError(error))) },
      onSuspect: (file: ServedFile) => this.#own.suspect(file),
      onUnreadable: (file: ServedFile, piece: number, error: PiecemealError) => { if (this.#offers.lack(file, piece)) this.#report(error) },
      onProbe: (probe: string) => this.#tracker.sayBack(probe),
      onError: (error: Error) => this.#report(error),
    }
    const [control, data] = secret ? [credentialsFor('control', secret), credentialsFor('data', secret)] : []
    this.#credentials = control && data && { control: { ...control, name: this.name }, data: { ...data, name: this.name } }
    const { uploads: maxStreams, connections: maxConnections } = this.#descriptors = shareOut(spareDescriptors())
    this.#uploads = new UploadThread({ ...serving, onFolder: async (folder, event) => await this.#folders.hear(folder, event), credentials: data, up: this.#rates.up.buffer, streams: this.streams.buffer, maxStreams, maxConnections, offered: () => this.#offers })
    this.#offers = new Offers({ uploads: this.#uploads, tracker: () => this.#tracker, ports: () => this.#openPorts, onError: serving.onError })
    const { shares, partials } = this.#offers
    this.#own = new OwnShares({
      digests: () => this.#openFolder.digests,
      pool: async () => await this.#startedPool(),
      activity: this.#activity,
      offers: this.#offers,
      remembered: () => this.#remembered,
      events: this,
      missingLookMs: this.#deadlines.missingLookMs,
      onError: serving.onError,
    })
    this.library = readFiles({
      offers: this.#offers,
      own: this.#own,
      activity: this.#activity,
      folder: () => this.#ownFolder,
      find: async (filename, digest) => await this.#findAlsoOwn(filename, digest),
      context: async (target, hiddenFolder, turn) => await this.#downloads.contextToRead(this.#ownFolder, target, hiddenFolder, turn),
      keep: async ({ filename, digest }, coming, signal) => {
        const { event: { path }, content } = await this.#downloads.download(filename, { digest, signal }, coming)
        return { ...content, path }
      },
      isKept: keepsRead,
      cacheBytes,
    })
    this.readFolders = new ReadFolders({
      folders: this.#offers.folders,
      library: this.library,
      onEvent: (folder, event) => { this.#folders.hear(folder, event).catch(serving.onError) },
    })
    this.#folders = new OwnFolders({
      pool: async () => await this.#startedPool(),
      activity: this.#activity,
      offers: this.#offers,
      events: this,
      keepOldMs: this.#deadlines.keepOldMs,
      missingLookMs: this.#deadlines.missingLookMs,
      treeFile: (root) => this.#openFolder.treeFile(root),
      idleMs: async (folder) => await this.#uploads.folderIdleMs(folder),
      onError: serving.onError,
    })
    this.#updates = new Updates({
      own: this.#own,
      shares,
      digests: () => this.#openFolder.digests,
      pool: async () => await this.#startedPool(),
      treeFile: (root) => this.#openFolder.treeFile(root),
      notesFolder: () => this.#openFolder.notesFolder,
      // A guest is not there in an hour.
      keepOldMs: this.#options.isGuest ? 0 : this.#deadlines.keepOldMs,
      alone: async (digest, work) => await this.#openFolder.alone(digest, work),
      onWarning: (message) => this.emit('warning', { message }),
      onError: serving.onError,
    })
    this.#metadataServer = new MetadataServer({
      ...serving,
      credentials: control,
      maxConnections,
      shares,
      folders: this.#offers.folders,
      onFolderGone: (folder: FolderShare) => this.#folders.gone(folder),
      partials,
      // A thread that has died has told so itself.
      sentLately: async (digest) => await this.#uploads.sentLately(digest).catch(() => undefined),
    })
    this.#tracker = new TrackerClient({
      tracker: this.#options.tracker,
      name: this.name,
      hosts: () => this.#hosts,
      advertise: this.#options.advertise,
      credentials: this.#credentials?.control,
      deadlines: this.#deadlines,
      announcements: () => this.#offers.announcements,
      session: () => this.#session,
      // A guest has a name for a while; another one does as well.
      ...(this.#options.isGuest ? { nameWaitMs: 0 } : this.#options.remember && { nameWaitMs: HELD_MS }),
    })
    if (isReporting) {
      this.#reports = new Reports({
        isWanted: () => this.#tracker.wantsReports,
        down: () => this.#activity.reports,
        sentBytes: async () => await this.#uploads.sentBytes(),
        say: async (report) => await this.#tracker.report(report),
      })
    }
    this.metrics = new NodeMetrics(this.#levels)
    this.#downloads = new OwnDownloads({
      name: this.name,
      credentials: this.#credentials,
      deadlines: this.#deadlines,
      down: this.#rates.down,
      separateParts: this.#options.separateParts,
      folder: () => this.#openFolder,
      pool: async () => await this.#startedPool(),
      find: async (filename, digest) => await this.#find(filename, digest),
      activity: this.#activity,
      offers: this.#offers,
      shares: this.#own,
      folders: this.#folders,
      updates: this.#updates,
      library: this.library,
      metrics: this.metrics,
      remembered: () => this.#remembered,
      isStopping: () => this.#isStopping,
      events: this,
    })
    const client = this.#tracker
    client.on('taken', ({ message }) => this.#whenListening(() => this.emit('warning', { message: `${message}; trying again for ${HELD_MS / 1_000} s` })))
    client.on('connected', () => this.#whenListening(() => this.emit('connected', { tracker: client.tracker, announced: shares.size + this.#offers.folders.size })))
    client.on('unreachable', () => this.#whenListening(() => { if (this.#ports) this.emit('unreachable', { ...this.#ports, tracker: client.tracker }) }))
    client.on('lost', ({ code, message }) => this.#whenListening(() => this.emit('lost', { tracker: client.tracker, code, message })))
  }

  /**
   * Locks the folder, opens both ports, and turns to the tracker, which need not be there yet.
   *
   * @throws E_USAGE for a host name that is nobody's; E_AUTH for a host beyond the loopback with neither a secret nor `insecure`;
   * E_NAME_TAKEN if a live node has the name or the folder; E_PORT; E_IO if the folder can't be used.
   */
  async start (): Promise<ListeningEvent> {
    this.#starting = this.#start()
    try {
      return await this.#starting
    } catch (error) {
      // The reason why it did not start says more than a failure to close.
      await this.close().catch(() => {})
      throw error
    }
  }

  async #start (): Promise<ListeningEvent> {
    const { host: name, inputPort, outputPort } = this.#options
    const host = this.#hosts = await listenAddressesOf(name)
    assertNotExposed({ ...this.#exposure, addresses: host })
    await this.#openWorkingFolder()
    this.#throwIfStopping()
    // If one fails, the other is still to be closed, which can't be done while it opens.
    const listening = [this.#metadataServer.listen({ host, port: inputPort }), this.#uploads.listen({ host, port: outputPort })] as const
    await Promise.allSettled(listening)
    const [input, output] = await Promise.all(listening)
    this.#ports = { input, output }
    this.#throwIfStopping()
    const goOn = this.#remembered && await this.#own.restore(this.#remembered)
    this.#throwIfStopping()
    const joined = this.#tracker.start()
    await isOverWithin(joined, FIRST_ANSWER_MS)
    joined.catch((error: unknown) => this.#report(toPiecemealError(error)))
    this.#throwIfStopping()
    const event = { name: this.name, input, output }
    this.#isListening = true
    this.#reports?.start()
    this.emit('listening', event)
    for (const tell of this.#untold.splice(0)) tell()
    goOn?.()
    const gone = this.#letOldGo?.()
    // One that is here for a while waits for it.
    if (this.#options.isGuest) await gone
    this.#shareFoldersAgain()
    return event
  }

  async #openWorkingFolder (): Promise<void> {
    const { isGuest, digestsIn, remember } = this.#options
    const warn = (message: string): void => this.#whenListening(() => this.emit('warning', { message }))
    const open = async (): Promise<NodeFolder> => await NodeFolder.open(this.folder, digestsIn)
    const patience = { isStopping: () => this.#isStopping, onHeld: (message: string) => this.emit('warning', { message }) }
    const own = isGuest ? undefined : remember ? await whenFree(open, patience) : await open()
    this.#disk = own ?? await GuestFolder.open(this.folder, digestsIn)
    this.#disk.warnings.forEach(warn)
    this.#letOldGo = await this.#updates.tidy()
    await this.#disk.tidy(new Date())
    if (!remember || own === undefined) return
    this.#remembered = await Remembered.open(own.hiddenFolder, { warn, onError: (error) => this.#report(toPiecemealError(error)) })
    // Without one the tracker finds out by itself that an older connection is dead.
    this.#session = await sessionOf(own.realPath, own.hiddenFolder).catch(() => undefined)
  }

  /** What of them is as it was is not digested again; one that is gone is told of, and tried at the next start. */
  #shareFoldersAgain (): void {
    for (const { name, path, times, skipSpecial } of this.#remembered?.folders ?? []) {
      this.upload(path, { as: name, times, skipSpecial }).catch((error: unknown) => this.#report(toPiecemealError(error)))
    }
  }

  /** The downloads that a restart has cut off, of a node that remembers: to be asked for again. @internal */
  get cutOff (): readonly RememberedDownload[] {
    return this.#remembered?.downloads ?? []
  }

  /**
   * Offers a file or a folder: digests what of it was not digested before, and announces it. The network learns its name, never its path.
   *
   * @param file a name of the node's folder; with a `/` in it a path, shared where it lies
   * @param options.as the name that it is shared under, @default the last component
   * @param options.times whether the times of a folder's files are part of it
   * @param options.skipSpecial what of a folder can't be shared is left out, instead of being an error
   * @param options.allowShrink the folder may have lost more than half of what it had
   * @throws E_NAME; E_EXISTS if something else has that name here; E_IO, E_FORBIDDEN, E_CHANGED, E_LIMIT.
   */
  async upload (file: string, options: UploadOptions = {}): Promise<SharingEvent> {
    const { as: filename = basename(file), times: hasTimes, skipSpecial, allowShrink } = options
    assertFileName(filename)
    const folder = this.#openFolder
    if (!file.includes('/')) assertFileName(file)
    const path = file.includes('/') ? await whereItLies(file) : join(folder.realPath, file)
    if (!await isFolder(path)) return await this.#own.add({ filename, path })
    const shared = await this.#folders.add({ filename, path }, { hasTimes, skipSpecial, allowShrink })
    await this.#remembered?.putFolder({ name: filename, path, ...(hasTimes && { times: true }), ...(skipSpecial && { skipSpecial: true }) })
    return shared
  }

  /**
   * Takes a file whose bytes come from elsewhere into its folder, and offers it.
   *
   * @throws E_NAME; E_EXISTS if there is one of that name here; E_LIMIT if it has more bytes; what the bytes throw; E_DISK_FULL, E_IO.
   */
  async receive (filename: string, bytes: AsyncIterable<Buffer>, mostBytes: number): Promise<SharingEvent> {
    assertFileName(filename)
    const [{ hiddenFolder, abilities: { naming } }, pool] = [this.#ownFolder, await this.#startedPool()]
    const to = await this.#openFolder.targetOf(filename)
    await assertAbsent(to, filename)
    const from = await receiveFile({ filename, hiddenFolder, bytes, mostBytes })
    try {
      await publish({ from, to, filename, naming }, async (task) => await pool.giveName(task))
    } catch (error) {
      await rm(from, { force: true }).catch(() => {})
      throw error
    }
    return await this.#own.add({ filename, path: to })
  }

  /** Whether that name is taken, here or in the network. @throws E_TRACKER and the like if that can't be known. */
  async hasName (filename: string): Promise<boolean> {
    try {
      await assertAbsent(await this.#openFolder.targetOf(filename), filename)
      if (this.#offers.shares.has(filename) || this.#activity.isFetching(filename)) return true
      await this.#find(filename, undefined)
      return true
    } catch (error) {
      const { code } = toPiecemealError(error)
      if (code === 'E_NO_OWNER') return false
      if (code === 'E_EXISTS' || code === 'E_CONFLICT') return true
      throw error
    }
  }

  /** Bytes that are free on the disk of its folder, if that is known. */
  async freeBytes (): Promise<number | undefined> {
    return await freeBytes(this.folder)
  }

  /**
   * Fetches a file or a folder from all of its owners at once, and then offers it.
   *
   * @param options.to a folder that is there, or a path that ends in `/`: into it; otherwise its new path. @default the node's folder
   * @param options.digest which content, where there are several: whole, or its first 8 or more hex digits
   * @param options.only what of a folder is wanted, as picomatch has patterns; who wants a path wants what is below it. @default all
   * @param options.signal ends it with E_INTERRUPTED; what was fetched is kept to go on from
   * @param options.skipMissing whether what of a folder nobody has any more, or this file system can't hold, is left out
   * @param options.update what lies under the name is replaced, if it is as it came, and the content is a version after it
   * @param options.allowShrink more than half of that may go
   * @throws any code that a download may end with.
   */
  async download (filename: string, options: FetchOptions & { signal?: AbortSignal | undefined } = {}): Promise<SavedEvent> {
    assertFileName(filename)
    const { event } = await this.#downloads.download(filename, options, new Coming(filename, { digest: isDigest(options.digest ?? '') ? options.digest : undefined }))
    return event
  }

  /**
   * Ends the download of a file, and removes what it, or an earlier one, has kept to go on from.
   *
   * @param options.to where it goes, as for `download`; wherever it goes if left out
   * @throws E_USAGE if there is neither; E_NAME, E_IO.
   */
  async cancel (filename: string, options: { to?: string | undefined } = {}): Promise<void> {
    assertFileName(filename)
    await this.#downloads.cancel(filename, options.to)
  }

  /** Offers a file no longer; uploads of it that run may end. @throws E_NOT_SHARED if it is not offered. */
  unshare (filename: string): void {
    if (this.#folders.remove(filename)) this.#remembered?.forget(filename)
    else this.#own.remove(filename)
  }

  /**
   * Digests a file that is offered again, or all of them, and withdraws what has changed.
   *
   * @throws E_NOT_SHARED if it is not offered; once all have been looked at, E_CHANGED if a file was withdrawn, or why a file could not be read.
   */
  async verify (filename?: string): Promise<void> {
    const folders = [...this.#offers.folders].filter((folder) => folder.identities && (filename === undefined || folder.filename === filename))
    const isFolderOnly = filename !== undefined && folders.length > 0
    const results = await Promise.allSettled([...folders.map(async (folder) => await this.#folders.verify(folder)), ...(isFolderOnly ? [] : [this.#own.verify(filename)])])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** The files in the network. @throws E_TRACKER. */
  async list (prefix = ''): Promise<Files> {
    return await this.#tracker.ask('list', { prefix })
  }

  async status (): Promise<NodeStatus> {
    const uploads = await this.#uploads.uploads()
    return {
      sharing: [
        ...[...this.#offers.shares].map(({ filename, size, digest }) => ({ file: filename, bytes: size, digest })),
        ...[...this.#offers.folders].filter(({ identities }) => identities).map(({ filename, digest, manifest: { head } }) => ({ file: filename, bytes: head.size, digest, files: head.files })),
        ...[...this.#folders.missing].map(({ filename, digest, manifest: { head } }) => ({ file: filename, bytes: head.size, digest, files: head.files, missing: true as const })),
        ...[...this.#own.missing].map(({ filename, size, digest }) => ({ file: filename, bytes: size, digest, missing: true as const })),
      ],
      fetching: this.#activity.fetching,
      serving: uploads.map(({ filename, peer, sent, bytes, seconds }) => ({
        file: filename, peer, bytes: sent, size: bytes, rate: sent / Math.max(0.001, seconds),
      })),
      tracker: { connected: this.#tracker.isConnected },
      limits: this.limits,
    }
  }

  /** One word for why nobody should be sent here now; undefined if there is no reason. */
  async readiness (): Promise<string | undefined> {
    if (this.#isStopping || !this.#isListening) return this.#isStopping ? 'leaving' : 'starting'
    if (!this.#tracker.isConnected) return 'tracker'
    const free = await freeBytes(this.folder)
    return free !== undefined && free < SPARE_ROOM_BYTES ? 'disk' : undefined
  }

  /** Of all that goes out. @internal */
  get up (): RateLimit {
    return this.#rates.up
  }

  get limits (): NodeLimits {
    const { up: { bytesPerSecond: up }, down: { bytesPerSecond: down } } = this.#rates
    return { ...(up !== undefined && { up }), ...(down !== undefined && { down }) }
  }

  /**
   * Lets file data out or in no faster than this, all streams together; running ones follow at once.
   *
   * @param bytesPerSecond at least 1024; undefined for no limit
   * @throws E_USAGE.
   */
  limit (direction: keyof NodeLimits, bytesPerSecond: number | undefined): void {
    this.#rates[direction].bytesPerSecond = bytesPerSecond
  }

  /** Off the owner lists at once; uploads that run may finish for 5 s; then everything is closed. */
  async leave (): Promise<void> {
    await this.#tracker.close()
    await this.#metadataServer.close()
    // A thread that has died has no uploads any more.
    await isOverWithin(this.#uploads.drain().catch(() => {}), this.#deadlines.leaveMs)
    await this.close()
  }

  /**
   * Stops whatever runs, keeping what was fetched for a later download, and closes everything. Safe to call twice.
   *
   * @throws E_IO if a thread waits for a disk for longer than 5 s and so can't be ended; all else is closed then.
   */
  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close (): Promise<void> {
    if (await isOverWithin(this.#end(), this.#deadlines.leaveMs)) return
    throw new PiecemealError('E_IO', `threads of the node ${quote(this.name)} wait for a disk that does not answer`)
  }

  async #end (): Promise<void> {
    this.#isStopping = true
    this.#own.close()
    this.#folders.close()
    this.#updates.close()
    this.#reports?.close()
    const stopped = Promise.all([this.library.close(), this.#activity.stop()])
    const left = this.#tracker.close()
    // What it opens while it starts is closed like the rest. Why it did not start is told by `start`.
    await this.#starting?.catch(() => {})
    await Promise.allSettled([left, this.#uploads.close(), this.#metadataServer.close(), stopped])
    // A pool that could not be opened has told why.
    await this.#pool?.then(async (pool) => await pool.close(), () => {})
    await this.#remembered?.close()
    await this.#disk?.close()
    if (this.#isListening) this.emit('left', { name: this.name })
  }

  get #levels (): NodeLevels {
    return {
      shares: () => this.#offers.shares.size,
      downloads: () => {
        const { fetching } = this.#activity
        const waiting = fetching.filter(({ waitingFor }) => waitingFor !== undefined).length
        return { running: fetching.length - waiting, waiting }
      },
      upload: async () => ({ bytes: await this.#uploads.sentBytes(), slots: (await this.#uploads.uploads()).length }),
      diskFreeBytes: async () => await freeBytes(this.folder),
      threadsBusy: async () => (await this.#pool?.catch(() => undefined))?.slots.taken ?? 0,
    }
  }

  #whenListening (tell: () => void): void {
    if (this.#isListening) tell()
    else this.#untold.push(tell)
  }

  /** @throws E_USAGE for a node without one. */
  get #ownFolder (): NodeFolder {
    const folder = this.#openFolder
    if (folder instanceof NodeFolder) return folder
    throw new PiecemealError('E_USAGE', `the node ${quote(this.name)} has no folder of its own`)
  }

  get #openFolder (): WorkingFolder {
    if (this.#disk === undefined) throw this.#notRunning()
    return this.#disk
  }

  /** The threads: most nodes only serve, which needs none, so they start with the first file that is digested or fetched. */
  async #startedPool (): Promise<WorkerPool> {
    this.#throwIfStopping()
    if (!this.#isListening) throw this.#notRunning()
    const opening = this.#pool ??= import('./worker-pool.js').then(async ({ WorkerPool }) => await WorkerPool.open(this.#descriptors.threads))
    try {
      const pool = await opening
      this.#throwIfStopping()
      return pool
    } catch (error) {
      // By the next time there may be room for them.
      if (this.#pool === opening && !this.#isStopping) this.#pool = undefined
      throw error
    }
  }

  #throwIfStopping (): void {
    if (this.#isStopping) throw this.#notRunning()
  }

  #notRunning (): PiecemealError {
    return new PiecemealError('E_INTERRUPTED', `the node ${quote(this.name)} is not running`)
  }

  async #find (filename: string, digest: string | undefined): Promise<Found> {
    return await this.#tracker.ask('need', { filename, ...(digest !== undefined && { digest }) })
  }

  /** The same where nobody but this node has it: then there are no owners. */
  async #findAlsoOwn (filename: string, digest: string | undefined): Promise<Found> {
    const found = await this.#tracker.ask('need', { filename, ...(digest !== undefined && { digest }), own: true })
    return { ...found, owners: found.owners.filter(({ name }) => name !== this.name) }
  }

  get #openPorts (): OpenPorts {
    if (this.#ports === undefined) throw new Error('not listening')
    return { inputPort: this.#ports.input.port, outputPort: this.#ports.output.port, ...(this.httpPort !== undefined && { httpPort: this.httpPort }) }
  }

  #report (error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }
}

/** Whether work is over within a time; it goes on all the same. @throws what the work throws in that time. */
async function isOverWithin (work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => { timer = setTimeout(resolve, ms, false) })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
