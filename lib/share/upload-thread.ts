/** The main thread's end of the thread that serves uploads. */
import type { Worker } from 'node:worker_threads'
import { startThread } from '../threads/start-thread.js'
import { fromTaskResult } from '../threads/task-result.js'
import type { PlacedRun } from '../content/run.js'
import type { ListenAddress } from '../net/listener.js'
import type { Address } from '../protocol/address.js'
import { outOfDescriptors, PiecemealError } from '../protocol/errors.js'
import type { PartialContent } from './partial-share.js'
import { servedFile, type ServedFile, type Share } from './share-index.js'
import type { UploadCalls, UploadMessage, UploadThreadData } from './upload-messages.js'
import type { Upload } from './upload-server.js'

const SERVE_UPLOADS = new URL('../../workers/serve-uploads.js', import.meta.url)

export interface UploadThreadOptions extends UploadThreadData {
  /** A file is not what was announced any more. */
  onChanged: (file: ServedFile) => void
  /** Something about a file is not as it was; its bytes may be. */
  onSuspect: (file: ServedFile) => void
  /** The disk does not give a piece. All that may be asked are to know of it when this returns. */
  onUnreadable: (file: ServedFile, piece: number, error: PiecemealError) => void
  /** A tracker wants to hear this back by our own connection. */
  onProbe?: (probe: string) => void
  /** A failure that no peer is told about; E_WORKER if the thread died, and with it all uploads. */
  onError: (error: PiecemealError) => void
}

interface Pending {
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

export class UploadThread {
  readonly #options: UploadThreadOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #nextId = 0

  constructor (options: UploadThreadOptions) {
    this.#options = options
  }

  /** Starts the thread and opens its port. @throws E_PORT. */
  async listen (address: ListenAddress): Promise<Address> {
    const { folder, credentials, up, deadlines, maxConnections, maxStreams } = this.#options
    const worker = startThread(SERVE_UPLOADS, {
      workerData: { folder, credentials, up, deadlines, maxConnections, maxStreams } satisfies UploadThreadData,
      // Its buffers are outside of its heap; a larger one would only be swept later.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    this.#worker = worker
    worker.on('message', (message: UploadMessage) => this.#take(message))
    worker.on('error', (cause) => this.#lose(outOfDescriptors(cause, 'cannot start the thread that serves uploads') ?? died(cause.message)))
    worker.on('exit', () => this.#lose(died('it ended')))
    return await this.#call('listen', address)
  }

  /** Serves a file from now on; to be awaited before anybody is told. */
  async add (share: Share): Promise<void> {
    // A copy: of a view all that is behind it would go to the thread.
    await this.#call('add', { ...share, pieces: Uint8Array.from(share.pieces) })
  }

  async remove (file: ServedFile): Promise<void> {
    await this.#call('remove', servedFile(file))
  }

  /** Serves pieces of a content that is still being downloaded. */
  async place (content: PartialContent, run: PlacedRun): Promise<void> {
    await this.#call('place', { content, run })
  }

  /** Serves a content that was not complete no more, or as a whole from now on. */
  async drop (filename: string): Promise<void> {
    await this.#call('drop', filename)
  }

  /** The pieces of a complete file that were given away lately, one bit a piece. */
  async sentLately (digest: string): Promise<Buffer | undefined> {
    const sent = await this.#call('sentLately', digest)
    return sent && Buffer.from(sent)
  }

  async uploads (): Promise<Upload[]> {
    return await this.#call('uploads', undefined)
  }

  /** Takes no further request and resolves when the running ones have ended. */
  async drain (): Promise<void> {
    await this.#call('drain', undefined)
  }

  /** Cuts off whatever runs and ends the thread. Safe to call twice. */
  async close (): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const closed = this.#call('close', undefined).catch(() => {})
    // From here on its end is no loss.
    this.#worker = undefined
    await closed
    await worker.terminate()
  }

  async #call<Name extends keyof UploadCalls> (name: Name, argument: UploadCalls[Name]['argument']): Promise<UploadCalls[Name]['result']> {
    const worker = this.#worker
    if (worker === undefined) throw new PiecemealError('E_WORKER', 'the thread that serves uploads is not running')
    const id = this.#nextId++
    return await new Promise<UploadCalls[Name]['result']>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      worker.postMessage({ id, name, argument })
    })
  }

  #take (message: UploadMessage): void {
    switch (message.kind) {
      case 'changed': return this.#options.onChanged(message.file)
      case 'suspect': return this.#options.onSuspect(message.file)
      case 'unreadable': {
        const { id, file, piece, error: { code, message: why } } = message
        this.#options.onUnreadable(file, piece, new PiecemealError(code, why))
        // A thread that has died waits for nothing.
        this.#call('heard', id).catch(() => {})
        return
      }
      case 'probe': return this.#options.onProbe?.(message.probe)
      case 'error': return this.#options.onError(new PiecemealError(message.error.code, message.error.message))
      case 'answer': {
        const pending = this.#pending.get(message.id)
        this.#pending.delete(message.id)
        try {
          pending?.resolve(fromTaskResult(message.result))
        } catch (error) {
          pending?.reject(error)
        }
      }
    }
  }

  #lose (error: PiecemealError): void {
    const wasRunning = this.#worker !== undefined
    this.#worker = undefined
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    if (wasRunning) this.#options.onError(error)
  }
}

function died (why: string): PiecemealError {
  return new PiecemealError('E_WORKER', `the thread that serves uploads died: ${why}`)
}
