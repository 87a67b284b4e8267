/** Versions of folders that were replaced: each goes on to answer until nobody has asked for it for a while. */
import type { FolderName } from '../share/folder-share.js'
import type { Offers } from './offers.js'

export interface KeptFoldersOptions {
  offers: Offers
  /** How long a version goes on to answer after the last question for it. */
  keepOldMs: number
  /** How long nobody has asked the thread that serves for it. */
  idleMs: (folder: FolderName) => Promise<number | undefined>
}

/** How often it is looked, within that time. */
const LOOKS = 60

export class KeptFolders {
  readonly #options: KeptFoldersOptions
  #timer: NodeJS.Timeout | undefined

  constructor (options: KeptFoldersOptions) {
    this.#options = options
  }

  /** There may be one. */
  watch (): void {
    const { offers, keepOldMs } = this.#options
    if (offers.folders.kept.length === 0) return
    this.#timer ??= setInterval(() => { void this.#look() }, Math.max(1, keepOldMs / LOOKS)).unref()
  }

  /** Looks for none any more. Safe to call twice. */
  close (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #look (): Promise<void> {
    const { offers, keepOldMs, idleMs } = this.#options
    for (const kept of [...offers.folders.kept]) {
      const idle = Math.min(performance.now() - kept.askedMs, await idleMs(kept.share).catch(() => undefined) ?? Infinity)
      if (idle >= keepOldMs) offers.dropKept(kept)
    }
    if (offers.folders.kept.length === 0) this.close()
  }
}
