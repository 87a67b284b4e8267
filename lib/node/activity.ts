/**
 * What a node is doing: its digests and downloads, which of them have to wait, how far each is, when that is told, and how each is ended.
 * Longer than 250 lines because a task, and the list of those that run, are about one life.
 */
import { setMaxListeners } from 'node:events'
import pLimit, { type LimitFunction } from 'p-limit'
import { DownloadTurns, type Turn } from '../download/turns.js'
import type { TransferProgress } from '../download/transfer.js'
import type { Waiting } from '../download/waiting.js'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { DOWNLOADS_ASIDE, DOWNLOADS_AT_ONCE, REPORTED_DIGEST_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { ReportedDownload } from '../protocol/node-to-tracker.js'
import type { FilesReached } from '../download/folder.js'
import type { Fetching, ProgressEvent } from './events.js'
import { OwnerRates } from './owner-rates.js'
import { RateMeter } from './rate-meter.js'

const PROGRESS_MS = 200
const WAITING_MS = 10_000

export interface ActivityOptions {
  onProgress: (event: ProgressEvent) => void
  onWaiting: (event: Waiting) => void
  now?: () => number
}

export class Activity {
  readonly #options: Required<ActivityOptions>
  readonly #downloads = new Map<string, Task>()
  readonly #running = new Map<Task, Promise<unknown>>()
  readonly #turns = new DownloadTurns(DOWNLOADS_AT_ONCE, DOWNLOADS_ASIDE)
  readonly #limitDigests = pLimit(DOWNLOADS_AT_ONCE)
  #isStopped = false

  constructor ({ now = () => performance.now(), ...options }: ActivityOptions) {
    this.#options = { now, ...options }
  }

  /** Digests a file when it is its turn. @throws what `work` throws. */
  async digest<T> (file: string, work: (task: Task) => Promise<T>): Promise<T> {
    return await this.#run(new Task('digest', file, this.#options), async (task) => await task.inTurn(this.#limitDigests, work))
  }

  /** Downloads a file when it is its turn. @throws what `work` throws; E_IN_PROGRESS if it is being downloaded already. */
  async download<T> (file: string, work: (task: Task, turn: Turn) => Promise<T>): Promise<T> {
    return await this.#alone(file, async (task) => await this.#run(task, async (task) => await this.#inTurn(task, work)))
  }

  /** Downloads what somebody reads, when it is its turn: nobody is told of it, and its file may be downloaded otherwise as well. @throws what `work` throws. */
  async fetch<T> (file: string, signal: AbortSignal, work: (task: Task, turn: Turn) => Promise<T>): Promise<T> {
    const task = new Task('download', file, { ...this.#options, onProgress: () => {}, onWaiting: () => {} })
    const stop = (): void => task.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      return await this.#run(task, async (task) => await this.#inTurn(task, work))
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Ends the download of a file, if there is one, and then does `after`, while nobody else can begin to download it. */
  async cancel<T> (file: string, after: () => Promise<T>): Promise<T> {
    const task = this.#downloads.get(file)
    return task === undefined ? await this.#alone(file, after) : await task.cancel(after)
  }

  isFetching (file: string): boolean {
    return this.#downloads.has(file)
  }

  get fetching (): Fetching[] {
    return [...this.#downloads.values()].map((task) => task.row)
  }

  /** What a tracker is told of the downloads. */
  get reports (): ReportedDownload[] {
    return [...this.#downloads.values()].flatMap(({ report }) => report === undefined ? [] : [report])
  }

  /** Ends all that runs, and what begins later before it does anything. Resolves when nothing runs any more. */
  async stop (): Promise<void> {
    this.#isStopped = true
    for (const task of this.#running.keys()) task.stop()
    // Whoever began them is told how they end.
    await Promise.allSettled(this.#running.values())
  }

  async #alone<T> (file: string, work: (task: Task) => Promise<T>): Promise<T> {
    // Of one that is saved no more is left than to remember it.
    for (let other = this.#downloads.get(file); other?.isSaved; other = this.#downloads.get(file)) await other.ended
    if (this.#downloads.has(file)) throw new PiecemealError('E_IN_PROGRESS', `${quote(file)} is being downloaded already`)
    const task = new Task('download', file, this.#options)
    this.#downloads.set(file, task)
    try {
      return await work(task)
    } finally {
      this.#downloads.delete(file)
      task.end()
    }
  }

  async #inTurn<T> (task: Task, work: (task: Task, turn: Turn) => Promise<T>): Promise<T> {
    const turn = await this.#turns.begin(task.signal)
    try {
      return await work(task, turn)
    } finally {
      turn.end()
    }
  }

  async #run<T> (task: Task, work: (task: Task) => Promise<T>): Promise<T> {
    if (this.#isStopped) task.stop()
    const running = task.run(work)
    this.#running.set(task, running)
    try {
      return await running
    } finally {
      this.#running.delete(task)
    }
  }
}

/** Of which content a download is, and what each owner has sent of it. */
export type Sources = Pick<TransferProgress, 'digest' | 'owners'>

/** One digest or download. */
export class Task {
  readonly #kind: ProgressEvent['task']
  readonly #file: string
  readonly #options: Required<ActivityOptions>
  readonly #meter: RateMeter
  readonly #ending = new AbortController()
  #resolveWorkEnded: () => void = () => {}
  readonly #workEnded = new Promise<void>((resolve) => { this.#resolveWorkEnded = resolve })
  readonly #ownerRates = new OwnerRates()
  #sources: Sources | undefined
  #bytes = 0
  #size = 0
  /** Of a folder. */
  #files: FilesReached | undefined
  #waiting: Waiting | undefined
  #progressToldMs = -Infinity
  #waitingToldMs = -Infinity
  #cancelling: Promise<unknown> | undefined
  #end: () => void = () => {}
  /** It has been told that the file is there. */
  isSaved = false
  /** Another download of that file may begin. */
  readonly ended = new Promise<void>((resolve) => { this.#end = resolve })

  constructor (kind: ProgressEvent['task'], file: string, options: Required<ActivityOptions>) {
    this.#kind = kind
    this.#file = file
    this.#options = options
    this.#meter = new RateMeter(options.now)
    // A download asks many owners at once, and each of these connections listens.
    setMaxListeners(0, this.signal)
  }

  get signal (): AbortSignal {
    return this.#ending.signal
  }

  get row (): Fetching {
    const { seconds, owners, for: what } = this.#waiting ?? {}
    const waitingFor = what && owners && seconds !== undefined && { for: what, owners, seconds }
    return { file: this.#file, bytes: this.#bytes, size: this.#size, ...this.#files, rate: this.#meter.bytesPerSecond(), ...(waitingFor && { waitingFor }) }
  }

  /** What a tracker is told of it; nothing before its first byte. */
  get report (): ReportedDownload | undefined {
    const { digest, owners } = this.#sources ?? {}
    if (digest === undefined || owners === undefined) return undefined
    const rates = this.#ownerRates.look(owners(), this.#options.now())
    const start = DIGEST_PREFIX.length
    return [this.#file, digest.slice(start, start + 2 * REPORTED_DIGEST_BYTES), this.#bytes, this.#size, Math.round(this.#meter.bytesPerSecond()), rates]
  }

  /** So far it is. */
  reach (bytes: number, size: number, sources?: Sources, files?: FilesReached): void {
    this.#sources = sources
    this.#files = files
    if (bytes > this.#bytes) this.#waiting = undefined
    this.#bytes = bytes
    this.#size = size
    this.#meter.reach(bytes)
    const nowMs = this.#options.now()
    if (nowMs - this.#progressToldMs < PROGRESS_MS) return
    this.#progressToldMs = nowMs
    this.#options.onProgress({ task: this.#kind, file: this.#file, bytes, size, ...this.#files, rate: this.#meter.bytesPerSecond() })
  }

  /** It does not get on and waits for this; undefined once it goes on. */
  wait (waiting: Waiting | undefined): void {
    this.#waiting = waiting
    if (waiting === undefined) {
      this.#waitingToldMs = -Infinity
      return
    }
    const nowMs = this.#options.now()
    if (nowMs - this.#waitingToldMs < WAITING_MS) return
    this.#waitingToldMs = nowMs
    this.#options.onWaiting(waiting)
  }

  /** Nothing of it is left. */
  end (): void {
    this.#end()
  }

  /** What it has done so far is kept. */
  stop (): void {
    this.#ending.abort()
  }

  /** Ends it, and then does `after`, before it counts as ended. */
  async cancel<T> (after: () => Promise<T>): Promise<T> {
    const cancelling = this.#workEnded.then(after)
    this.#cancelling = cancelling
    this.#ending.abort()
    return await cancelling
  }

  /** To be called once. @throws E_INTERRUPTED if it is ended before it is done, or what `work` throws. */
  async run<T> (work: (task: Task) => Promise<T>): Promise<T> {
    try {
      return await work(this)
    } catch (error) {
      if (this.#cancelling === undefined) throw error
      this.#resolveWorkEnded()
      // Whoever cancels it is told how that went.
      await this.#cancelling.catch(() => {})
      throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(this.#file)} was cancelled`, { cause: error })
    } finally {
      this.#resolveWorkEnded()
    }
  }

  /** One that is ended before its turn does not wait for it. */
  async inTurn<T> (limit: LimitFunction, work: (task: Task) => Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(new PiecemealError('E_INTERRUPTED', `the ${this.#kind} of ${quote(this.#file)} was stopped before it began`))
      if (this.signal.aborted) return leave()
      this.signal.addEventListener('abort', leave)
      void limit(async () => {
        this.signal.removeEventListener('abort', leave)
        if (!this.signal.aborted) await work(this).then(resolve, reject)
      })
    })
  }
}
