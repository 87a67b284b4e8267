/**
 * Looks whether a shared file about which something has changed still has the bytes that were
 * announced. Meanwhile it is served, each piece after a look of its own (shared-file.ts). Once the whole
 * was looked at it is trusted again, or withdrawn.
 */
import { PiecemealError } from '../protocol/errors.js'
import { identifyShare } from './open-share.js'
import type { ServedFile, Share, ShareIndex } from './share-index.js'

export interface LookAgainOptions {
  shares: ShareIndex
  /** Digests a file as it is now. @throws E_CHANGED if it was written to meanwhile. */
  digest: (file: ServedFile) => Promise<Share>
  /** The bytes are those that were announced: this is the file from now on. */
  onSame: (share: Share) => Promise<void>
  onChanged: (share: Share) => void
}

export class LookAgain {
  readonly #options: LookAgainOptions
  /** Names of the files that are looked at. */
  readonly #looking = new Set<string>()

  constructor (options: LookAgainOptions) {
    this.#options = options
  }

  /** Something about a file is not as it was. */
  async suspect (file: ServedFile): Promise<void> {
    const { shares } = this.#options
    const share = shares.current(file)
    if (share === undefined || this.#looking.has(share.filename)) return
    this.#looking.add(share.filename)
    try {
      const now = await this.#look(share)
      // It may have been shared anew, or no longer, meanwhile.
      if (shares.current(share) !== share) return
      if (now === undefined) this.#options.onChanged(share)
      else await this.#options.onSame({ ...share, identity: now.identity })
    } catch (error) {
      // It was written to again, or there is no thread or descriptor: the next request asks again, and finds the same suspicion.
      if (!(error instanceof PiecemealError)) throw error
    } finally {
      this.#looking.delete(share.filename)
    }
  }

  /** @returns the file, if it has the same bytes */
  async #look (share: Share): Promise<Share | undefined> {
    try {
      await identifyShare(share)
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') return undefined
      throw error
    }
    const found = await this.#options.digest(share)
    return found.digest === share.digest ? found : undefined
  }
}
