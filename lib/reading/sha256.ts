/** SHA-256 of files, for programs that know no BLAKE3: computed once for each content that somebody asks for, and remembered. */
import { createHash } from 'node:crypto'
import { PiecemealError } from '../protocol/errors.js'
import { SHA256_REMEMBERED } from '../protocol/limits.js'
import { MiB } from '../protocol/units.js'
import type { Readable } from './readable.js'

export interface Sha256 {
  whole: Buffer
  pieceLength: number
  /** Of each piece. */
  pieces: Buffer[]
}

export class Sha256Book {
  /** By digest; the one that was asked for longest ago first. */
  readonly #known = new Map<string, Sha256>()
  readonly #running = new Map<string, Promise<Sha256 | undefined>>()
  readonly #closing = new AbortController()

  /** What is known already. */
  get (digest: string): Sha256 | undefined {
    return this.#known.get(digest)
  }

  /** Computes it from a file that is here as a whole, and closes that. One file at a time. @returns undefined if it can't be read to its end */
  async of (digest: string, open: () => Promise<Readable>): Promise<Sha256 | undefined> {
    const known = this.#known.get(digest)
    if (known) return known
    const before = [...this.#running.values()].at(-1)
    const running = this.#running.get(digest) ?? Promise.resolve(before).then(async () => await this.#compute(await open()))
      .catch((error: unknown) => {
        if (error instanceof PiecemealError) return undefined
        throw error
      }).finally(() => this.#running.delete(digest))
    this.#running.set(digest, running)
    return await running
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#running.values())
  }

  async #compute (file: Readable): Promise<Sha256> {
    const { digest, size, pieceLength } = file.title
    const whole = createHash('sha256')
    const pieces: Buffer[] = []
    const buffer = Buffer.allocUnsafe(MiB)
    try {
      for (let start = 0; start < size; start += pieceLength) {
        const piece = createHash('sha256')
        const end = Math.min(size, start + pieceLength)
        for (let at = start; at < end;) {
          if (this.#closing.signal.aborted) throw new PiecemealError('E_INTERRUPTED', 'the node is leaving')
          const bytes = buffer.subarray(0, await file.read(buffer, Math.min(buffer.length, end - at), at))
          whole.update(bytes)
          piece.update(bytes)
          at += bytes.length
        }
        pieces.push(piece.digest())
      }
    } finally {
      await file.close()
    }
    const result = { whole: whole.digest(), pieceLength, pieces }
    this.#known.set(digest, result)
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > SHA256_REMEMBERED) this.#known.delete(oldest)
    return result
  }
}
