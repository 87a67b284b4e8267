/** A node: one folder, one name, two ports. It shares files of its folder and fetches others into it. */
import { EventEmitter, setMaxListeners } from 'node:events'
import { resolve } from 'node:path'
import pLimit from 'p-limit'
import type { PieceList } from '../content/digest.js'
import { identifyOwnFile, type FileIdentity } from '../disk/own-file.js'
import type { DownloadContext } from '../download/context.js'
import { download } from '../download/download.js'
import { shareOut, spareDescriptors, type DescriptorShares } from '../threads/descriptors.js'
import { RateLimit } from '../threads/rate-limit.js'
import { listenAddressesOf } from '../net/hosts.js'
import { DEFAULT_TRACKER, type Address, type AdvertisedAddress } from '../protocol/address.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { DEADLINES, DOWNLOADS_AT_ONCE, type Deadlines } from '../protocol/limits.js'
import { assertFileName, assertNodeName, quote } from '../protocol/names.js'
import type { Files } from '../protocol/tracker-to-node.js'
import { assertNotExposed, type Exposure } from '../secret/exposure.js'
import { credentialsFor, type Secret } from '../secret/keys.js'
import { LookAgain } from '../share/look-again.js'
import { shareFile } from '../share/share-file.js'
import type { ServedFile, Share } from '../share/share-index.js'
import { SizeServer } from '../share/size-server.js'
import { UploadThread } from '../share/upload-thread.js'
import type { ListeningEvent, NodeEvents, SavedEvent, SharingEvent } from './events.js'
import { NodeFolder } from '../disk/node-folder.js'
import { Offers } from './offers.js'
import { RateMeter } from './rate-meter.js'
import { TrackerClient } from './tracker-client.js'
import type { WorkerPool } from './worker-pool.js'

export interface NodeOptions {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`, a letter or digit first. */
  name: string
  /** @default 127.0.0.1:12340 */
  tracker?: Address
  /** The folder that holds one folder a node; this one's files are in `dir/name`. @default 'node_files' */
  dir?: string
  /** What both ports listen on: an address, or a name for each address that it has and this machine, too. @default '127.0.0.1' */
  host?: string
  /** Port for control messages; 0 for any free one. @default 0 */
  inputPort?: number
  /** Port for file data; 0 for any free one. @default 0 */
  outputPort?: number
  /** Bytes a second of file data that go out at most, at least 1024. @default no limit */
  up?: number | undefined
  /** Bytes a second of file data that come in at most, at least 1024. @default no limit */
  down?: number | undefined
  /** The secret of the network: with it every connection, in or out, is encrypted and both its ends have shown that they know it. */
  secret?: Secret | undefined
  /** Without a secret, to listen beyond the loopback all the same. @default false */
  insecure?: boolean | undefined
  /** Where others reach it, if that is not where it listens. */
  advertise?: AdvertisedAddress | undefined
  /** A download that has had no new byte for so long is given up. @default 10 minutes */
  giveUpMs?: number | undefined
  /** Waits other than those of the contract, for tests. */
  deadlines?: Partial<Deadlines> | undefined
}

/** Bytes a second; left out where there is no limit. */
export interface NodeLimits {
  up?: number
  down?: number
}

export interface NodeStatus {
  sharing: Array<{ file: string, bytes: number, digest: string }>
  /** Digests and downloads that run, and what is queued; rates in bytes a second. */
  fetching: Array<{ file: string, bytes: number, size: number, rate: number }>
  serving: Array<{ file: string, peer: string, bytes: number, size: number, rate: number }>
  tracker: { connected: boolean }
  limits: NodeLimits
}

/** How long `start` waits for the tracker's first answer; a name that is taken is known by then. */
const FIRST_ANSWER_MS = 1_000
const PROGRESS_MS = 200

export class Node extends EventEmitter<NodeEvents> {
  readonly name: string
  /** Where its files are: `DIR/NAME`. */
  readonly folder: string
  readonly #options: Required<Omit<NodeOptions, keyof NodeLimits | 'secret' | 'insecure' | 'deadlines' | 'advertise' | 'giveUpMs'>> & Pick<NodeOptions, 'advertise'>
  readonly #deadlines: Deadlines
  readonly #exposure: Exposure
  /** What it shows when it dials. */
  readonly #credentials: DownloadContext['credentials']
  readonly #rates = { up: new RateLimit(), down: new RateLimit() }
  readonly #descriptors: DescriptorShares
  readonly #offers: Offers
  readonly #lookAgain: LookAgain
  readonly #sizeServer: SizeServer
  readonly #uploads: UploadThread
  readonly #tracker: TrackerClient
  /** File name → what is known of its download. */
  readonly #downloads = new Map<string, { bytes: number, size: number, meter: RateMeter }>()
  readonly #limitDownloads = pLimit(DOWNLOADS_AT_ONCE)
  readonly #limitShares = pLimit(DOWNLOADS_AT_ONCE)
  readonly #stopping = new AbortController()
  #running = new Set<Promise<unknown>>()
  #disk: NodeFolder | undefined
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
  constructor ({ up, down, secret, insecure, deadlines, giveUpMs, ...options }: NodeOptions) {
    super()
    assertNodeName(options.name)
    this.#deadlines = { ...DEADLINES, ...deadlines, ...(giveUpMs !== undefined && { giveUpMs }) }
    this.limit('up', up)
    this.limit('down', down)
    // Every download that runs listens to it, in more than one place.
    setMaxListeners(0, this.#stopping.signal)
    this.#options = { tracker: DEFAULT_TRACKER, dir: 'node_files', host: '127.0.0.1', inputPort: 0, outputPort: 0, ...options }
    this.#exposure = { host: this.#options.host, secret, insecure }
    this.name = options.name
    this.folder = resolve(this.#options.dir, this.name)
    const serving = {
      folder: this.folder,
      deadlines: this.#deadlines,
      onChanged: (file: ServedFile) => { this.#withdraw(file) },
      onSuspect: (file: ServedFile) => { this.#lookAgain.suspect(file).catch((error: unknown) => this.#report(toPiecemealError(error))) },
      onUnreadable: (file: ServedFile, piece: number, error: PiecemealError) => { if (this.#offers.lack(file, piece)) this.#report(error) },
      onError: (error: Error) => this.#report(error),
    }
    const [control, data] = secret ? [credentialsFor('control', secret), credentialsFor('data', secret)] : []
    this.#credentials = control && data && { control: { ...control, name: this.name }, data: { ...data, name: this.name } }
    const { uploads: maxStreams, connections: maxConnections } = this.#descriptors = shareOut(spareDescriptors())
    this.#uploads = new UploadThread({ ...serving, credentials: data, up: this.#rates.up.buffer, maxStreams, maxConnections })
    this.#offers = new Offers({ uploads: this.#uploads, tracker: () => this.#tracker, ports: () => this.#openPorts, onError: serving.onError })
    const { shares, partials } = this.#offers
    this.#lookAgain = new LookAgain({
      ...serving,
      shares,
      digest: async (filename) => await this.#track(this.#limitShares(async () => await this.#digest(filename))),
      onSame: async (share) => await this.#offers.renew(share),
    })
    this.#sizeServer = new SizeServer({
      ...serving,
      credentials: control,
      maxConnections,
      shares,
      partials,
      // A thread that has died has told so itself.
      sentLately: async (digest) => await this.#uploads.sentLately(digest).catch(() => undefined),
    })
    this.#tracker = new TrackerClient({
      tracker: this.#options.tracker,
      name: this.name,
      hosts: () => this.#hosts,
      credentials: this.#credentials?.control,
      deadlines: this.#deadlines,
      announcements: () => this.#offers.announcements,
    })
    const { tracker } = this.#options
    this.#tracker.on('connected', () => this.#whenListening(() => this.emit('connected', { tracker, announced: shares.size })))
    this.#tracker.on('lost', ({ code, message }) => this.#whenListening(() => this.emit('lost', { tracker, code, message })))
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
      // Why it did not start says more than that it can't be closed either.
      await this.close().catch(() => {})
      throw error
    }
  }

  async #start (): Promise<ListeningEvent> {
    const { host: name, inputPort, outputPort } = this.#options
    const host = this.#hosts = await listenAddressesOf(name)
    assertNotExposed({ ...this.#exposure, addresses: host })
    this.#disk = await NodeFolder.open(this.folder)
    for (const message of this.#disk.warnings) this.#whenListening(() => this.emit('warning', { message }))
    await this.#disk.tidy(new Date())
    this.#throwIfStopping()
    const [input, output] = await Promise.all([
      this.#sizeServer.listen({ host, port: inputPort }),
      this.#uploads.listen({ host, port: outputPort }),
    ])
    this.#ports = { input, output }
    this.#throwIfStopping()
    const joined = this.#tracker.start()
    await isOverWithin(joined, FIRST_ANSWER_MS)
    joined.catch((error: unknown) => this.#report(toPiecemealError(error)))
    this.#throwIfStopping()
    const event = { name: this.name, input, output }
    this.#isListening = true
    this.#pool = import('./worker-pool.js').then(({ WorkerPool }) => new WorkerPool(this.#descriptors.threads))
    this.emit('listening', event)
    for (const tell of this.#untold.splice(0)) tell()
    return event
  }

  /**
   * Offers a file of the node's folder: digests it, unless that was done before, and announces it.
   *
   * @throws E_NAME, E_IO, E_FORBIDDEN, E_CHANGED, E_LIMIT.
   */
  async upload (filename: string): Promise<SharingEvent> {
    assertFileName(filename)
    return await this.#track(this.#limitShares(async () => {
      const startedMs = performance.now()
      const meter = new RateMeter()
      const report = this.#throttle((bytes: number, size: number) => this.emit('progress', { task: 'digest', file: filename, bytes, size, rate: meter.bytesPerSecond() }))
      const share = await this.#digest(filename, (bytes, size) => {
        meter.reach(bytes)
        report(bytes, size)
      })
      const announced = await this.#offers.add(share)
      const event = { file: filename, bytes: share.size, digest: share.digest, announced, seconds: secondsSince(startedMs) }
      this.emit('sharing', event)
      return event
    }))
  }

  /**
   * Fetches a file into the node's folder, from all of its owners at once, and then offers it.
   *
   * @param options.digest which content, where there are several: whole, or its first 8 or more hex digits
   * @throws any code that a download may end with.
   */
  async download (filename: string, options: { digest?: string | undefined } = {}): Promise<SavedEvent> {
    assertFileName(filename)
    if (this.#downloads.has(filename)) throw new PiecemealError('E_IN_PROGRESS', `${quote(filename)} is being downloaded already`)
    const state = { bytes: 0, size: 0, meter: new RateMeter() }
    this.#downloads.set(filename, state)
    return await this.#track(this.#limitDownloads(async () => {
      const startedMs = performance.now()
      this.#openFolder.assertWritable()
      const report = this.#throttle((bytes: number, size: number) => this.emit('progress', { task: 'download', file: filename, bytes, size, rate: state.meter.bytesPerSecond() }))
      const { size, digest, pieceLength, pieces, identity, owners, resumedBytes } = await download({
        filename,
        digest: options.digest,
        signal: this.#stopping.signal,
        onGood: (content, pieces, run) => this.#offers.place(content, pieces, run),
        onProgress: (progress) => {
          state.meter.reach(progress.bytes)
          Object.assign(state, { bytes: progress.bytes, size: progress.size })
          report(progress.bytes, progress.size)
        },
      }, await this.#downloadContext())
      await this.#shareDownloaded(filename, { size, digest, pieceLength, pieces }, identity)
      const event = { file: filename, bytes: size, digest, seconds: secondsSince(startedMs), owners, resumed: resumedBytes }
      this.emit('saved', event)
      return event
    }).finally(() => {
      this.#downloads.delete(filename)
      this.#offers.abandon(filename)
    }))
  }

  /** The files in the network. @throws E_TRACKER. */
  async list (prefix = ''): Promise<Files> {
    return await this.#tracker.ask('list', { prefix })
  }

  async status (): Promise<NodeStatus> {
    const uploads = await this.#uploads.uploads()
    return {
      sharing: [...this.#offers.shares].map(({ filename, size, digest }) => ({ file: filename, bytes: size, digest })),
      fetching: [...this.#downloads].map(([file, { bytes, size, meter }]) => ({ file, bytes, size, rate: meter.bytesPerSecond() })),
      serving: uploads.map(({ filename, peer, sent, range, seconds }) => ({
        file: filename, peer, bytes: sent, size: range.end - range.start, rate: sent / Math.max(0.001, seconds),
      })),
      tracker: { connected: this.#tracker.isConnected },
      limits: this.limits,
    }
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
    await this.#sizeServer.close()
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
    this.#stopping.abort()
    const left = this.#tracker.close()
    // What it opens while it starts is closed like the rest; why it did not start is told there.
    await this.#starting?.catch(() => {})
    await Promise.allSettled([left, this.#uploads.close(), this.#sizeServer.close(), ...this.#running])
    await (await this.#pool)?.close()
    await this.#disk?.close()
    if (this.#isListening) this.emit('left', { name: this.name })
  }

  #whenListening (tell: () => void): void {
    if (this.#isListening) tell()
    else this.#untold.push(tell)
  }

  get #openFolder (): NodeFolder {
    if (this.#disk === undefined) throw new PiecemealError('E_INTERRUPTED', `the node ${quote(this.name)} is not running`)
    return this.#disk
  }

  /** The threads, made when the ports listen: nobody waits for them to start. */
  async #startedPool (): Promise<WorkerPool> {
    const pool = this.#isListening ? await this.#pool : undefined
    this.#throwIfStopping()
    if (pool === undefined) throw this.#notRunning()
    return pool
  }

  #throwIfStopping (): void {
    if (this.#stopping.signal.aborted) throw this.#notRunning()
  }

  #notRunning (): PiecemealError {
    return new PiecemealError('E_INTERRUPTED', `the node ${quote(this.name)} is not running`)
  }

  async #digest (filename: string, onProgress?: (bytes: number, size: number) => void): Promise<Share> {
    const pool = await this.#startedPool()
    return await shareFile(filename, {
      folder: this.folder,
      cache: this.#openFolder.digests,
      digestPieces: async (task) => await pool.digestPieces(task),
      onProgress,
      signal: this.#stopping.signal,
    })
  }

  async #downloadContext (): Promise<DownloadContext> {
    const pool = await this.#startedPool()
    const { hiddenFolder, naming } = this.#openFolder
    return {
      name: this.name,
      folder: this.folder,
      hiddenFolder,
      naming,
      findOwners: async (filename, digest) => await this.#tracker.ask('need', { filename, ...(digest !== undefined && { digest }) }),
      fetchPart: async (task, signal) => await pool.fetchPart(task, signal),
      giveName: async (task) => await pool.giveName(task),
      digestPieces: async (task) => await pool.digestPieces(task),
      slots: pool.slots,
      down: this.#rates.down,
      deadlines: this.#deadlines,
      credentials: this.#credentials,
    }
  }

  /** The downloader is an owner now: of the file as it was just published. */
  async #shareDownloaded (filename: string, content: Content & { pieces: PieceList }, known: FileIdentity | undefined): Promise<void> {
    try {
      const identity = known ?? await identifyOwnFile(this.folder, filename)
      if (identity.size !== BigInt(content.size)) return
      await this.#openFolder.digests.put(filename, identity, content)
      await this.#offers.add({ filename, identity, ...content })
    } catch (error) {
      // The file is there and right; that it can't be offered is another matter.
      this.#report(toPiecemealError(error))
    }
  }

  get #openPorts (): { inputPort: number, outputPort: number } {
    if (this.#ports === undefined) throw new Error('not listening')
    return { inputPort: this.#ports.input.port, outputPort: this.#ports.output.port }
  }

  #withdraw (file: ServedFile): void {
    if (!this.#offers.remove(file)) return
    const { filename } = file
    this.emit('withdrawn', { file: filename, code: 'E_CHANGED', message: `${quote(filename)} has changed since it was announced; upload it again to share it as it is now` })
  }

  /** What `close` has to wait for. */
  async #track<T> (work: Promise<T>): Promise<T> {
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }

  #throttle<T extends unknown[]> (report: (...values: T) => void): (...values: T) => void {
    let lastMs = -Infinity
    return (...values) => {
      const nowMs = performance.now()
      if (nowMs - lastMs < PROGRESS_MS) return
      lastMs = nowMs
      report(...values)
    }
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

function secondsSince (ms: number): number {
  return (performance.now() - ms) / 1_000
}
