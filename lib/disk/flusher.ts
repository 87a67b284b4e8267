/**
 * Brings a file to the disk while it grows, so that the sync at its end has little left to wait
 * for: a file that fits into memory would otherwise be written to the disk only then.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { atDisk } from './at-disk.js'
import { MiB } from '../protocol/units.js'

/** Small enough for the last sync to be short, large enough for the disk to be used well. */
const FLUSH_BYTES = 16 * MiB

export interface FlusherOptions {
  /** So many bytes more are brought to the disk. */
  flushBytes?: number
  /** How. It does not fail: the sync at the end fails the same way, and that is where it matters. */
  flush?: (path: string) => Promise<void>
}

export class Flusher {
  readonly path: string
  readonly #flushBytes: number
  readonly #flush: (path: string) => Promise<void>
  #flushedBytes = 0
  #flushing: Promise<void> | undefined
  /** A disk that is slow is left to others for as long as it has taken. */
  #restUntilMs = -Infinity

  constructor (path: string, { flushBytes = FLUSH_BYTES, flush = flushFile }: FlusherOptions = {}) {
    this.path = path
    this.#flushBytes = flushBytes
    this.#flush = flush
  }

  /** The file has so many bytes now. @returns whether they are enough to be brought to the disk, which has begun then */
  grow (bytes: number, nowMs = performance.now()): boolean {
    if (this.#flushing !== undefined || nowMs < this.#restUntilMs || bytes - this.#flushedBytes < this.#flushBytes) return false
    this.#flushedBytes = bytes
    this.#flushing = this.#flushAndRest(nowMs)
    return true
  }

  /** When nothing is under way any more. */
  async settle (): Promise<void> {
    await this.#flushing
  }

  async #flushAndRest (startedMs: number): Promise<void> {
    await this.#flush(this.path)
    const endedMs = performance.now()
    this.#restUntilMs = endedMs + (endedMs - startedMs)
    this.#flushing = undefined
  }
}

async function flushFile (path: string): Promise<void> {
  await atDisk(async () => {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }).catch(() => {})
}
