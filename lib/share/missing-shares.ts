/**
 * Files and folders that were shared and are gone: moved, deleted, or on a disk that is not mounted. They are looked
 * for until they are back, or their user wants them no more.
 */
import { SHARES_PER_NODE } from '../protocol/limits.js'
import { isGone } from '../disk/where-it-lies.js'
import type { ServedFile } from './share-index.js'

export interface MissingSharesOptions<S> {
  /** How often they are looked for, in milliseconds. */
  lookMs: number
  /** Something is where it was. It may be another file. */
  onFound: (share: S) => void
}

export class MissingShares<S extends Pick<ServedFile, 'filename' | 'path'>> {
  readonly #options: MissingSharesOptions<S>
  /** By name; the one that has been missing longest first. */
  readonly #missing = new Map<string, S>()
  #timer: NodeJS.Timeout | undefined

  constructor (options: MissingSharesOptions<S>) {
    this.#options = options
  }

  add (share: S): void {
    if (this.#missing.size >= SHARES_PER_NODE) return
    this.#missing.set(share.filename, share)
    this.#timer ??= setInterval(() => { void this.#look() }, this.#options.lookMs).unref()
  }

  /** @returns whether it was there */
  remove (filename: string): boolean {
    const wasThere = this.#missing.delete(filename)
    if (this.#missing.size === 0) this.close()
    return wasThere
  }

  [Symbol.iterator] (): IterableIterator<S> {
    return this.#missing.values()
  }

  /** Looks for none any more. Safe to call twice. */
  close (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #look (): Promise<void> {
    for (const share of [...this.#missing.values()]) {
      if (await isGone(share.path) || this.#missing.get(share.filename) !== share) continue
      this.remove(share.filename)
      this.#options.onFound(share)
    }
  }
}
