/**
 * What this node offers, told to all who have to know: the server that answers for sizes, the thread
 * that sends bytes, and the tracker. A file is offered as a whole, or, while it is still being
 * downloaded, piece by piece as they come.
 */
import type { PieceList } from '../content/digest.js'
import type { PlacedRun } from '../content/run.js'
import { pieceCount } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { PartialShare, PartialShares, type PartialContent } from '../share/partial-share.js'
import { ShareIndex, type ServedFile, type Share } from '../share/share-index.js'
import type { UploadThread } from '../share/upload-thread.js'
import type { Question, TrackerClient } from './tracker-client.js'

/** How long a new share waits to be announced before it counts as shared all the same. */
const ANNOUNCE_WAIT_MS = 2_000

export interface OffersOptions {
  uploads: Pick<UploadThread, 'add' | 'remove' | 'place' | 'drop'>
  tracker: () => Pick<TrackerClient, 'ask'>
  /** Where the data comes from, once the ports listen. */
  ports: () => OpenPorts
  /** A failure that nobody waits for. */
  onError: (error: Error) => void
}

export interface OpenPorts {
  inputPort: number
  outputPort: number
  httpPort?: number
}

type Announced = PartialContent & Pick<Share, 'lacks' | 'origin' | 'replaces'> & Partial<Pick<Share, 'identity'>> & { complete?: boolean }

export class Offers {
  readonly shares = new ShareIndex()
  readonly partials = new PartialShares()
  readonly #options: OffersOptions

  constructor (options: OffersOptions) {
    this.#options = options
  }

  /** All that a tracker has to be told of, when it is new or back. */
  get announcements (): Array<Question<'have'>> {
    return [
      ...[...this.shares].map((share) => this.#announcement(share)),
      ...[...this.partials].map(({ content, replaces }) => this.#announcement({ ...content, replaces, complete: false })),
    ]
  }

  /**
   * Offers a whole file, and no longer the pieces that were there of it.
   *
   * @returns whether the tracker knows of it now; one that is away is told when it is back
   * @throws E_LIMIT, or what the tracker refuses with.
   */
  async add (share: Share): Promise<boolean> {
    const { announced } = await this.offer(share)
    return await announced
  }

  /** The same, for whoever does not wait for the tracker's answer: it has been told, and it answers later. */
  async offer (share: Share): Promise<{ announced: Promise<boolean> }> {
    this.shares.add(share)
    await this.#options.uploads.add(share)
    this.#drop(share.filename)
    return { announced: this.#announce(share) }
  }

  async #announce (share: Share): Promise<boolean> {
    const { uploads, tracker } = this.#options
    try {
      await tracker().ask('have', this.#announcement(share), ANNOUNCE_WAIT_MS)
      return true
    } catch (error) {
      if (error instanceof PiecemealError && ['E_TRACKER', 'E_AUTH', 'E_NAME_TAKEN'].includes(error.code)) return false
      this.shares.remove(share)
      await uploads.remove(share)
      throw error
    }
  }

  /** A file that was offered is another one on the disk now, with the same bytes. */
  async renew (share: Share): Promise<void> {
    this.shares.add(share)
    await this.#options.uploads.add(share)
  }

  /**
   * A piece of a file that the disk does not give any more: the others are offered on.
   *
   * @returns whether it is the first of that file
   */
  lack (file: ServedFile, piece: number): boolean {
    const share = this.shares.current(file)
    if (share === undefined || share.lacks?.has(piece)) return false
    const lacks = new Set(share.lacks).add(piece)
    if (lacks.size === pieceCount(share)) return this.remove(share)
    const now = { ...share, lacks }
    this.shares.add(now)
    this.#options.uploads.add(now).catch(this.#options.onError)
    // A tracker that is away hears of it when it is back.
    if (lacks.size === 1) this.#options.tracker().ask('have', this.#announcement(now), ANNOUNCE_WAIT_MS).catch(() => {})
    return lacks.size === 1
  }

  /** A file that is not what was announced any more. @returns whether it was offered */
  remove (file: ServedFile): boolean {
    if (!this.shares.remove(file)) return false
    this.#options.uploads.remove(file).catch(this.#options.onError)
    this.#sayGone(file.filename)
    return true
  }

  /** Offers pieces of a content that is being downloaded; the tracker is told with the first of them. */
  place (content: PartialContent, pieces: PieceList, run: PlacedRun): void {
    let share = this.partials.get(content.filename, content.digest)
    if (share === undefined) {
      share = new PartialShare(content, pieces)
      this.partials.add(share)
      // A tracker that is away hears of it when it is back; that nobody is sent here harms nobody.
      this.#options.tracker().ask('have', this.#announcement({ ...content, complete: false }), ANNOUNCE_WAIT_MS).catch(() => {})
    }
    share.place(run)
    this.#options.uploads.place(share.content, run).catch(this.#options.onError)
  }

  /** A download has ended without the whole file: what there is of it is not offered any more. */
  abandon (filename: string): void {
    if (this.#drop(filename)) this.#sayGone(filename)
  }

  #drop (filename: string): boolean {
    if (!this.partials.remove(filename)) return false
    this.#options.uploads.drop(filename).catch(this.#options.onError)
    return true
  }

  #sayGone (filename: string): void {
    this.#options.tracker().ask('exit', { filename }).catch(() => {
      // Without a tracker nobody is sent here; the next connection announces what is offered then.
    })
  }

  #announcement ({ filename, size, digest, pieceLength, identity, lacks, origin, replaces, complete = lacks === undefined }: Announced): Question<'have'> {
    return {
      filename,
      size,
      digest,
      pieceLength,
      ...this.#options.ports(),
      ...(!complete && { complete }),
      ...(identity?.isExecutable && { executable: true }),
      ...(origin && { origin }),
      ...(replaces && replaces.length > 0 && { replaces: [...replaces] }),
    }
  }
}
