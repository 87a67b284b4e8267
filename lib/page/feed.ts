/** Pages that look on: each is told what there is, and then what changes, at most once a second. Where nobody looks nothing is read. */
import { EventEmitter, once, setMaxListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENT_STREAM_BYTES, EVENT_STREAMS } from '../protocol/limits.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { changes, NOTHING, type PageState } from './page-state.js'

export interface FeedOptions {
  read: () => Promise<PageState>
  onError: (error: Error) => void
  /** The least time between two looks. @default 1000 */
  everyMs?: number
  /** How often a stream says that it is alive. @default 15000 */
  beatMs?: number
}

/** A look takes no more than this part of the time, however much there is. */
const SHARE_OF_TIME = 0.05
/** How long a page may take to read on. */
const UNREAD_MS = 30_000
/** What comments in the stream are told from: EventSource hides those. */
const BEAT = 'event: beat\ndata: {}\n\n'
const HEADERS = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' }

export class Feed {
  readonly #options: Required<FeedOptions>
  readonly #streams = new Set<ServerResponse>()
  readonly #news = new EventEmitter<{ changed: [] }>()
  readonly #closing = new AbortController()
  readonly #beating: NodeJS.Timeout
  #state = NOTHING
  #looking: Promise<void> | undefined
  /** What most streams are told alike. */
  #last: { before: PageState, now: PageState, messages: readonly string[] } | undefined

  constructor ({ everyMs = 1_000, beatMs = 15_000, ...options }: FeedOptions) {
    this.#options = { everyMs, beatMs, ...options }
    this.#news.setMaxListeners(0)
    setMaxListeners(0, this.#closing.signal)
    this.#beating = setInterval(() => this.#beat(), beatMs).unref()
  }

  /** @throws E_BUSY where too many look on already. */
  assertRoom (): void {
    if (this.#streams.size >= EVENT_STREAMS) throw new PiecemealError('E_BUSY', `${EVENT_STREAMS} pages look on already`)
  }

  /** Tells a page until it goes away, or does not read on. */
  async tell (response: ServerResponse): Promise<void> {
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
    response.writeHead(200, HEADERS)
    response.flushHeaders()
    this.#looking ??= this.#look().finally(() => { this.#looking = undefined })
    let sent: PageState = NOTHING
    try {
      while (!response.destroyed && !this.#closing.signal.aborted) {
        const now = this.#state
        if (now === sent) {
          await this.#changed(response)
          continue
        }
        const messages = this.#messages(sent, now)
        for (const [i, message] of messages.entries()) {
          const event = sent === NOTHING && i === 0 ? 'snapshot' : 'change'
          await write(response, `event: ${event}\ndata: ${message}\n\n`)
        }
        sent = now
      }
    } catch {
      // It went away, or does not read.
    } finally {
      response.destroy()
    }
  }

  /** The same at once, for whoever asks again and again. */
  async snapshot (): Promise<string> {
    return `[${[...changes(NOTHING, await this.#options.read())].join(',')}]`
  }

  /** Ends every stream. */
  close (): void {
    clearInterval(this.#beating)
    this.#closing.abort()
    for (const stream of this.#streams) stream.destroy()
  }

  async #look (): Promise<void> {
    const { read, onError, everyMs } = this.#options
    const { signal } = this.#closing
    while (this.#streams.size > 0 && !signal.aborted) {
      const startedMs = performance.now()
      try {
        this.#state = await read()
        this.#news.emit('changed')
      } catch (error) {
        onError(toPiecemealError(error))
      }
      const tookMs = performance.now() - startedMs
      await sleep(Math.max(everyMs, tookMs / SHARE_OF_TIME), undefined, { signal }).catch(() => {})
    }
    this.#state = NOTHING
    this.#last = undefined
  }

  #messages (before: PageState, now: PageState): readonly string[] {
    if (this.#last?.before !== before || this.#last.now !== now) this.#last = { before, now, messages: [...changes(before, now)] }
    return this.#last.messages
  }

  async #changed (response: ServerResponse): Promise<void> {
    const ended = new AbortController()
    const end = (): void => ended.abort()
    response.once('close', end)
    this.#closing.signal.addEventListener('abort', end)
    try {
      if (response.destroyed || this.#closing.signal.aborted) end()
      await once(this.#news, 'changed', { signal: ended.signal })
    } finally {
      response.off('close', end)
      this.#closing.signal.removeEventListener('abort', end)
    }
  }

  #beat (): void {
    for (const stream of this.#streams) if (!stream.writableNeedDrain) stream.write(BEAT)
  }
}

/** @throws if it is not read in time, or nobody is there. */
async function write (response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed) throw new Error('gone')
  response.write(text)
  if (response.writableLength < EVENT_STREAM_BYTES) return
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), UNREAD_MS)
  const end = (): void => late.abort()
  response.once('close', end)
  try {
    await once(response, 'drain', { signal: late.signal })
  } finally {
    clearTimeout(timer)
    response.off('close', end)
  }
}
