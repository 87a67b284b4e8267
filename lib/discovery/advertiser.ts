/** Lets others find a tracker, for as long as it runs. Its trouble is never the tracker's. */
import type { Worker } from 'node:worker_threads'
import { startThread } from '../threads/start-thread.js'
import type { DiscoveryMessage, DiscoveryThreadData } from './messages.js'

const THREAD = new URL('../../workers/discovery.js', import.meta.url)
const AGAIN_MS = 60_000

export class Advertiser {
  readonly #advertise: NonNullable<DiscoveryThreadData['advertise']>
  readonly #warn: (message: string) => void
  #thread: Worker | undefined
  #again: NodeJS.Timeout | undefined
  /** As far as was told. */
  readonly #told = new Set<string>()
  #isClosed = false

  /** @param warn is told once of each thing that does not work */
  constructor (advertise: NonNullable<DiscoveryThreadData['advertise']>, warn: (message: string) => void) {
    this.#advertise = advertise
    this.#warn = warn
  }

  start (): void {
    try {
      const thread = this.#thread = startThread(THREAD, { workerData: { advertise: this.#advertise } satisfies DiscoveryThreadData })
      // Nobody waits for it.
      thread.unref()
      thread.on('message', (message: DiscoveryMessage) => {
        if ('warning' in message) this.#tell(message.warning)
        if ('failed' in message) this.#tell(message.failed)
      })
      thread.on('error', (error) => this.#tell(error instanceof Error ? error.message : String(error)))
      thread.on('exit', () => this.#startAgain())
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error))
      this.#startAgain()
    }
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#again)
    await this.#thread?.terminate()
  }

  #startAgain (): void {
    if (this.#isClosed) return
    this.#again = setTimeout(() => this.start(), AGAIN_MS).unref()
  }

  #tell (message: string): void {
    if (this.#told.has(message) || this.#told.size > 16) return
    this.#told.add(message)
    this.#warn(`others may not find this tracker by themselves: ${message}`)
  }
}
