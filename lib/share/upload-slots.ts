/** Who is served, who has to wait, and what was sent lately. */
import type { Socket } from 'node:net'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import type { StreamCount } from '../threads/stream-count.js'
import { PATIENT_UPLOAD_STREAMS, UPLOAD_STREAMS, UPLOAD_STREAMS_PER_DOWNLOADER } from '../protocol/limits.js'
import { LinkRate } from './link-rate.js'
import { SentLately } from './sent-lately.js'
import type { Source } from './source.js'

/** What is being sent: `sent` of so many `bytes`, `peer` an IP address. */
export interface Upload {
  filename: string
  peer: string
  /** From the first byte that was asked for to the last. */
  range: ByteRange
  bytes: number
  sent: number
  seconds: number
}

export interface UploadSlotsOptions {
  /** @default 64 */
  maxStreams?: number | undefined
  /** Those that take hardly anything of the link do not count. @default 16 */
  maxPatientStreams?: number
  /** Streams that are sent otherwise take of the same slots. */
  streams?: StreamCount | undefined
  /** @default 8 */
  maxStreamsPerDownloader?: number
}

export interface RunningUpload extends Omit<Upload, 'seconds'> {
  startedMs: number
  socket: Socket
  /** An address and the name that it gave, if any. */
  downloader: string
}

export interface SlotRequest extends Pick<RunningUpload, 'peer' | 'range' | 'socket' | 'downloader'> {
  source: Source
  /** Within `range`. */
  ranges: readonly ByteRange[]
  /** It may be refused while many others are served. */
  isPatient: boolean
}

export class UploadSlots {
  readonly #options: UploadSlotsOptions
  readonly #running = new Set<RunningUpload>()
  readonly #sent = new SentLately()
  readonly #linkRate = new LinkRate()
  /** By uploads that have ended. */
  #sentBytes = 0
  #onIdle: (() => void) | undefined

  constructor (options: UploadSlotsOptions) {
    this.#options = options
  }

  /** Those that run now. */
  get uploads (): Upload[] {
    return [...this.#running].map(({ filename, peer, range, bytes, sent, startedMs }) =>
      ({ filename, peer, range, bytes, sent, seconds: (performance.now() - startedMs) / 1_000 }))
  }

  /** By uploads that have ended, and those that run, in bytes. */
  get sentBytes (): number {
    return this.#sentBytes + sumOf(this.#running)
  }

  /** Whether there is one for a downloader that has none. */
  get isFree (): boolean {
    return this.#taken < (this.#options.maxStreams ?? UPLOAD_STREAMS)
  }

  /** The pieces of a complete file that were given away lately, one bit a piece. */
  sentLately (digest: string): Buffer | undefined {
    return this.#sent.at(digest, performance.now())?.toBytes()
  }

  /** Sends by `send` once it has a slot, which it has until that ends. @throws E_BUSY where there is none; what `send` throws. */
  async use ({ source, peer, range, ranges, socket, downloader, isPatient }: SlotRequest, send: (upload: RunningUpload) => Promise<void>): Promise<void> {
    this.#throwOnNoSlot(downloader, isPatient, performance.now())
    const bytes = ranges.reduce((bytes, { start, end }) => bytes + end - start, 0)
    const upload = { filename: source.filename, peer, range, bytes, sent: 0, startedMs: performance.now(), socket, downloader }
    this.#running.add(upload)
    this.#count()
    const onSent = source.whole && this.#sent.begin(source.digest, source.whole, ranges)
    try {
      await send(upload)
    } finally {
      this.#running.delete(upload)
      this.#count()
      this.#sentBytes += upload.sent
      onSent?.(upload.sent, performance.now())
      if (this.#running.size === 0) this.#onIdle?.()
    }
  }

  /** Resolves when none runs any more. */
  async idle (): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => { this.#onIdle = resolve })
  }

  get #taken (): number {
    return this.#running.size + (this.#options.streams?.others ?? 0)
  }

  #slow (nowMs: number): number {
    let slow = 0
    for (const { sent, startedMs } of this.#running) if (this.#linkRate.isSlow(sent, nowMs - startedMs)) slow++
    return slow
  }

  #count (): void {
    if (this.#options.streams) this.#options.streams.own = this.#running.size
  }

  #throwOnNoSlot (downloader: string, isPatient: boolean, nowMs: number): void {
    const { maxStreams = UPLOAD_STREAMS, maxPatientStreams = PATIENT_UPLOAD_STREAMS, maxStreamsPerDownloader = UPLOAD_STREAMS_PER_DOWNLOADER } = this.#options
    this.#linkRate.look(() => this.sentBytes, nowMs)
    if (this.#taken >= maxStreams || (isPatient && this.#taken - this.#slow(nowMs) >= maxPatientStreams)) {
      throw new PiecemealError('E_BUSY', `all ${this.#taken} upload slots are taken; try again or elsewhere`)
    }
    // A stream that is about to end does not count: its downloader has what it wants, and may ask for more.
    const running = [...this.#running].filter((upload) => upload.downloader === downloader && !isOver(upload)).length
    if (running >= maxStreamsPerDownloader) {
      throw new PiecemealError('E_BUSY', `all ${running} upload slots of one downloader are taken; try again or elsewhere`)
    }
  }
}

function sumOf (uploads: Iterable<RunningUpload>): number {
  let bytes = 0
  for (const { sent } of uploads) bytes += sent
  return bytes
}

function isOver ({ socket, sent, bytes }: RunningUpload): boolean {
  return socket.destroyed || sent === bytes
}
