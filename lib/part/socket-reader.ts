/**
 * How bytes get from an owner's socket to the part: into one buffer that is filled, looked at and
 * filled again, so that nothing is allocated for a chunk.
 *
 * Plain TCP fills the thread's buffer, and all of it is looked at before anybody else can have it
 * filled. TLS hands over records of 16 KiB, too small to be written one by one: they are gathered
 * across turns of the event loop, in a buffer of the connection's own, for one that is kept may be
 * sent something while another one gathers.
 */
import type { OnReadOpts } from 'node:net'
import { KiB, MiB } from '../protocol/units.js'

/** The most that TLS hands over at a time. */
const RECORD_BYTES = 16 * KiB
/** A thread may have a few such buffers at the same time. */
const GATHER_BYTES = 256 * KiB

/** Whoever the bytes are for. */
export interface BytesTaker {
  /** How many of so many bytes may come at once. */
  portion: (bytes: number) => number
  /** Whether it is worth waiting for more, with so many bytes gathered. */
  isWaitingForMore: (gathered: number) => boolean
  onBytes: (bytes: Buffer) => void
  /** So many bytes have come. @returns whether the socket is to be read on */
  readsOn: (bytes: number) => boolean
}

let ofThread: Buffer | undefined

function threadBuffer (): Buffer {
  ofThread ??= Buffer.allocUnsafeSlow(MiB)
  return ofThread
}

export class SocketReader {
  /** On a connection that goes on, one after the other; the buffer stays, for it may have been asked for already. */
  taker: BytesTaker | undefined
  readonly #isTls: boolean
  readonly #buffer: Buffer
  /** Where the bytes that were not looked at yet begin and end. */
  #start = 0
  #end = 0

  constructor (isTls: boolean) {
    this.#isTls = isTls
    this.#buffer = isTls ? Buffer.allocUnsafe(GATHER_BYTES) : threadBuffer()
  }

  /** For the socket. */
  get onread (): OnReadOpts {
    return this.#isTls ? this.#gathering : this.#passing
  }

  /** Hands over what is gathered. */
  flush (): void {
    const [start, end] = [this.#start, this.#end]
    this.#start = end
    if (end > start) this.taker?.onBytes(this.#buffer.subarray(start, end))
  }

  get #passing (): OnReadOpts {
    const buffer = this.#buffer
    return {
      // Asked for before every read: with a limit, a part of it.
      buffer: () => {
        const bytes = this.#portion(buffer.length)
        return bytes === buffer.length ? buffer : buffer.subarray(0, bytes)
      },
      callback: (bytes) => {
        this.taker?.onBytes(buffer.subarray(0, bytes))
        return this.#readsOn(bytes)
      },
    }
  }

  get #gathering (): OnReadOpts {
    const buffer = this.#buffer
    return {
      // Asked for after each callback and no later, so only there may the next bytes go elsewhere.
      buffer: () => buffer.subarray(this.#end, this.#end + this.#portion(RECORD_BYTES)),
      callback: (bytes) => {
        this.#end += bytes
        const isFull = this.#end > buffer.length - RECORD_BYTES
        if (isFull || this.taker?.isWaitingForMore(this.#end - this.#start) !== true) this.flush()
        if (isFull) this.#start = this.#end = 0
        return this.#readsOn(bytes)
      },
    }
  }

  #portion (bytes: number): number {
    return this.taker?.portion(bytes) ?? bytes
  }

  #readsOn (bytes: number): boolean {
    return this.taker?.readsOn(bytes) ?? false
  }
}
