/**
 * A program that is replaced while it runs: threads that start later would be of another version, or not
 * there. Who runs for long says so and ends with 75, and a service manager starts the new one.
 */
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Output } from '../ui/reporter.js'

const REPLACED_STATUS = 75
const LOOK_MS = 2_000
/** An installer takes the old one away before the new one is there; a restart wants to find that. */
const MOST_MISSING = 5

export interface ProgramOptions {
  /** @default this file */
  path?: string
  lookMs?: number
}

export class Program {
  readonly #path: string
  readonly #lookMs: number
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined
  /** Device and inode. */
  #first: string | undefined
  #missing = 0
  #isReplaced = false
  #isClosed = false

  /** Looks from now on. @param stop is called once, after it was said */
  constructor ({ err }: Output, stop: () => void, { path = fileURLToPath(import.meta.url), lookMs = LOOK_MS }: ProgramOptions = {}) {
    this.#path = path
    this.#lookMs = lookMs
    this.#tell = () => {
      err('error: piecemeal was replaced on disk, restart it')
      stop()
    }
    void this.#look()
  }

  /** What the process ends with that would have ended with `status`. */
  endsWith (status: number): number {
    return this.#isReplaced ? REPLACED_STATUS : status
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #look (): Promise<void> {
    const now = await stat(this.#path).then(({ dev, ino }) => `${dev}:${ino}`, () => undefined)
    if (this.#isClosed) return
    this.#missing = now === undefined ? this.#missing + 1 : 0
    this.#first ??= now
    this.#isReplaced = this.#missing >= MOST_MISSING || (now !== undefined && now !== this.#first)
    if (this.#isReplaced) return this.#tell()
    this.#timer = setTimeout(() => { void this.#look() }, this.#lookMs).unref()
  }
}
