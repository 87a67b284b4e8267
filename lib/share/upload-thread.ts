/**
 * The main thread's end of the thread that serves uploads. One that dies, and with it all that it was
 * sending, is started again on the same port, and given all that is offered by then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../threads/start-thread.js'
import { fromTaskResult, type TaskResult } from '../threads/task-result.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { ListenAddress } from '../net/listener.js'
import type { Address } from '../protocol/address.js'
import { outOfDescriptors, PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { folderShareData, type FolderEvent, type FolderName, type FolderShare } from './folder-share.js'
import type { PartialContent, PartialShare } from './partial-share.js'
import { servedFile, type ServedFile, type Share } from './share-index.js'
import type { UploadCalls, UploadMessage, UploadThreadData } from './upload-messages.js'
import type { Upload } from './upload-slots.js'

const SERVE_UPLOADS = new URL('../../workers/serve-uploads.js', import.meta.url)

export interface UploadThreadOptions extends UploadThreadData {
  /** A file is not what was announced any more. */
  onChanged: (file: ServedFile) => void
  /** Something about a file is not as it was; its bytes may be. */
  onSuspect: (file: ServedFile) => void
  /** The disk does not give a piece. All that may be asked are to know of it when this returns. */
  onUnreadable: (file: ServedFile, piece: number, error: PiecemealError) => void
  /** Of a folder. Resolves when all that may be asked know of it. */
  onFolder: (folder: FolderName, event: FolderEvent) => Promise<void>
  /** A tracker wants to hear this back by our own connection. */
  onProbe?: (probe: string) => void
  /** A failure that no peer is told about; E_WORKER if the thread died, and with it all uploads. */
  onError: (error: PiecemealError) => void
  /** All that is offered, with every change that a thread has been told of. */
  offered: () => { shares: Iterable<Share>, folders: { all: Iterable<FolderShare> }, partials: Iterable<PartialShare> }
}

/** The least time between two starts of the thread, where it dies again and again. */
const RESTART_PAUSE_MS = 15_000

interface Pending {
  resolve: (result: TaskResult<unknown>) => void
  reject: (error: unknown) => void
}

export class UploadThread {
  readonly #options: UploadThreadOptions
  readonly #pending = new Map<number, Pending>()
  readonly #closing = new AbortController()
  #worker: Worker | undefined
  /** Where its port is, once it listens. */
  #address: Address | undefined
  #isStartingAgain = false
  #restartedMs = -Infinity
  #nextId = 0

  constructor (options: UploadThreadOptions) {
    this.#options = options
  }

  /** Starts the thread and opens its port. @throws E_PORT, E_LIMIT. */
  async listen (address: ListenAddress): Promise<Address> {
    this.#address = await this.#start(address)
    return this.#address
  }

  /** Serves a file from now on; to be awaited before anybody is told. @throws E_LIMIT. */
  async add (share: Share): Promise<void> {
    // A copy: of a view all that is behind it would go to the thread.
    await this.#tell('add', { ...share, pieces: Uint8Array.from(share.pieces) })
  }

  async remove (file: ServedFile): Promise<void> {
    await this.#tell('remove', servedFile(file))
  }

  /** Serves a folder, or what is here of it, beside those that have the same name and another digest. */
  async addFolder (share: FolderShare): Promise<void> {
    await this.#tell('addFolder', folderShareData(share))
  }

  async removeFolder ({ filename, digest }: FolderName): Promise<void> {
    await this.#tell('removeFolder', { filename, digest })
  }

  async lackOfFolder ({ filename, digest }: FolderName, pieces: PieceRange): Promise<void> {
    await this.#tell('lackOfFolder', { filename, digest, pieces })
  }

  async gainOfFolder ({ filename, digest }: FolderName, pieces: PieceRange): Promise<void> {
    await this.#tell('gainOfFolder', { filename, digest, pieces })
  }

  /** How long nobody has asked for it. */
  async folderIdleMs ({ filename, digest }: FolderName): Promise<number | undefined> {
    return await this.#tell('folderIdleMs', { filename, digest })
  }

  /** Serves pieces of a content that is still being downloaded. */
  async place (content: PartialContent, run: PlacedRun): Promise<void> {
    await this.#tell('place', { content, run })
  }

  /** Serves a content that was not complete no more, or as a whole from now on. */
  async drop (filename: string): Promise<void> {
    await this.#tell('drop', filename)
  }

  /** The pieces of a complete file that were given away lately, one bit a piece. */
  async sentLately (digest: string): Promise<Buffer | undefined> {
    const sent = await this.#tell('sentLately', digest)
    return sent && Buffer.from(sent)
  }

  async uploads (): Promise<Upload[]> {
    return await this.#tell('uploads', undefined) ?? []
  }

  /** What went out so far, in bytes. */
  async sentBytes (): Promise<number> {
    return await this.#tell('sentBytes', undefined) ?? 0
  }

  /** Takes no further request and resolves when the running ones have ended. */
  async drain (): Promise<void> {
    this.#closing.abort()
    await this.#tell('drain', undefined)
  }

  /** Cuts off whatever runs and ends the thread. Safe to call twice. */
  async close (): Promise<void> {
    this.#closing.abort()
    const worker = this.#worker
    if (worker === undefined) return
    const closed = this.#tell('close', undefined)
    // From here on its end is no loss.
    this.#worker = undefined
    await closed
    await worker.terminate()
  }

  async #start (address: ListenAddress): Promise<Address> {
    const { credentials, up, streams, deadlines, maxConnections, maxStreams } = this.#options
    const worker = startThread(SERVE_UPLOADS, {
      workerData: { credentials, up, streams, deadlines, maxConnections, maxStreams } satisfies UploadThreadData,
      // Its buffers are outside of its heap; a larger one would only be swept later.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    this.#worker = worker
    worker.on('message', (message: UploadMessage) => this.#take(message))
    worker.on('error', (cause) => this.#lose(worker, outOfDescriptors(cause, 'cannot start the thread that serves uploads') ?? died(cause.message)))
    worker.on('exit', () => this.#lose(worker, died('it ended')))
    return await this.#call(worker, 'listen', address)
  }

  /** As soon as may be, and as often as it takes. */
  async #startAgain (address: Address): Promise<void> {
    const { signal } = this.#closing
    this.#isStartingAgain = true
    const pause = async (): Promise<boolean> => await sleep(Math.max(0, this.#restartedMs + RESTART_PAUSE_MS - performance.now()), true, { signal })
      // Aborted: it is not to be started any more.
      .catch(() => false)
    for (let isUp = false; !isUp && await pause();) {
      this.#restartedMs = performance.now()
      try {
        await this.#start(address)
        await this.#giveAll()
        isUp = true
      } catch (error) {
        if (!signal.aborted) this.#options.onError(toPiecemealError(error))
        // The thread may run, and only its port be missing.
        void this.#worker?.terminate()
        this.#worker = undefined
      }
    }
    this.#isStartingAgain = false
  }

  async #giveAll (): Promise<void> {
    const { shares, folders, partials } = this.#options.offered()
    for (const share of shares) await this.add(share)
    for (const folder of folders.all) await this.addFolder(folder)
    for (const { content, runs } of partials) for (const run of runs) await this.place(content, run)
  }

  /** A thread that is not there is given all that is offered when it is there again. */
  async #tell<Name extends keyof UploadCalls> (name: Name, argument: UploadCalls[Name]['argument']): Promise<UploadCalls[Name]['result'] | undefined> {
    const worker = this.#worker
    if (worker === undefined) return undefined
    try {
      return await this.#call(worker, name, argument)
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_WORKER') return undefined
      throw error
    }
  }

  async #call<Name extends keyof UploadCalls> (worker: Worker, name: Name, argument: UploadCalls[Name]['argument']): Promise<UploadCalls[Name]['result']> {
    const id = this.#nextId++
    return fromTaskResult(await new Promise<TaskResult<UploadCalls[Name]['result']>>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      worker.postMessage({ id, name, argument })
    }))
  }

  #take (message: UploadMessage): void {
    switch (message.kind) {
      case 'changed': return this.#options.onChanged(message.file)
      case 'suspect': return this.#options.onSuspect(message.file)
      case 'unreadable': {
        const { id, file, piece, error: { code, message: why } } = message
        this.#options.onUnreadable(file, piece, new PiecemealError(code, why))
        return this.#heard(id)
      }
      case 'folder':
        this.#options.onFolder(message.folder, message.event).then(() => this.#heard(message.id), (error: unknown) => this.#options.onError(toPiecemealError(error)))
        return
      case 'probe': return this.#options.onProbe?.(message.probe)
      case 'error': return this.#options.onError(new PiecemealError(message.error.code, message.error.message))
      case 'answer':
        this.#pending.get(message.id)?.resolve(message.result)
        this.#pending.delete(message.id)
    }
  }

  #heard (id: number): void {
    // A thread that has died waits for nothing.
    this.#tell('heard', id).catch(() => {})
  }

  #lose (worker: Worker, error: PiecemealError): void {
    const wasRunning = worker === this.#worker
    // A thread dies once; by now there may be another.
    if (!wasRunning && this.#worker !== undefined) return
    this.#worker = undefined
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    // The death of a thread that has not listened yet is told by `listen`.
    if (!wasRunning || this.#address === undefined || this.#isStartingAgain || this.#closing.signal.aborted) return
    this.#options.onError(error)
    void this.#startAgain(this.#address)
  }
}

function died (why: string): PiecemealError {
  return new PiecemealError('E_WORKER', `the thread that serves uploads died: ${why}`)
}
