/**
 * A content that is being downloaded, and those who read it meanwhile: they share the one download, which
 * brings first what they wait for. When the last has left it goes on for a while, for a player
 * closes and opens at each seek; then whoever began it for them is told that nobody wants it.
 */
import type { PlacedRun } from '../content/run.js'
import { Readers } from '../download/readers.js'
import { pieceCount, type ByteRange, type Content } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { READ_LINGER_MS, READ_WAIT_MS } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { News } from '../share/news.js'
import { PartialShare, type Extent, type PartialContent } from '../share/partial-share.js'
import { ComingFile } from './coming-file.js'
import type { Readable, Title } from './readable.js'

export interface ComingOptions {
  /** Of its content, in full, where it is known from the start. */
  digest?: string | undefined
  /** Nobody has read it for a while. @default nothing is done */
  onDeserted?: () => void
  lingerMs?: number
  waitMs?: number
}

export class Coming {
  readonly filename: string
  readonly readers = new Readers()
  readonly #options: Required<Omit<ComingOptions, 'digest'>> & Pick<ComingOptions, 'digest'>
  /** Once its first piece is there. */
  #share: PartialShare | undefined
  #failure: PiecemealError | undefined
  #isWhole = false
  /** Those who read it. */
  #users = 0
  #lingering: NodeJS.Timeout | undefined
  readonly #news = new News()

  constructor (filename: string, { onDeserted = () => {}, lingerMs = READ_LINGER_MS, waitMs = READ_WAIT_MS, digest }: ComingOptions = {}) {
    this.filename = filename
    this.#options = { onDeserted, lingerMs, waitMs, digest }
  }

  /** Whether it is that content, or may be: which it is, is not known before its first piece. */
  isOf ({ filename, digest, within }: Title): boolean {
    const own = this.#share?.content.digest ?? this.#options.digest
    return this.#failure === undefined && (own === undefined ? within === undefined && this.filename === filename : own === digest)
  }

  /** Good pieces have come, or are in another file than before. */
  place (content: PartialContent, run: PlacedRun): void {
    this.#share ??= new PartialShare(content)
    this.#share.place(run)
    this.#news.tell()
  }

  /** All of it is there. */
  arrived (content: Content, path: string): void {
    this.#isWhole = true
    this.place({ ...content, filename: this.filename }, { firstPiece: 0, endPiece: pieceCount(content), path, originPiece: 0, isMoved: true })
  }

  /** No more will come. What is there may be gone, too. */
  failed (error: unknown): void {
    this.#failure = toPiecemealError(error)
    this.#news.tell()
  }

  /** For one more reader. */
  open (title: Title): Readable {
    this.#users++
    clearTimeout(this.#lingering)
    return new ComingFile(title, this, () => this.#leave())
  }

  /**
   * Waits until the byte is there that a range begins with.
   *
   * @returns the file that it is in, and which of its bytes are the beginning of the range
   * @throws what the download ended with; E_TIMEOUT; E_IN_PROGRESS if it is of another content, E_PROTOCOL if that is not as large as was said.
   */
  async locate (title: Title, range: ByteRange): Promise<Extent> {
    const piece = Math.floor(range.start / title.pieceLength)
    const untilMs = performance.now() + this.#options.waitMs
    for (;;) {
      if (this.#share) this.#assertIs(this.#share.content, title)
      if (this.#share?.have.has(piece)) break
      if (this.#failure) throw this.#failure
      if (this.#isWhole) throw new PiecemealError('E_INTERNAL', 'a piece is missing of a file that is whole')
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) throw new PiecemealError('E_TIMEOUT', `nothing of what was asked for of ${quote(title.filename)} came within ${this.#options.waitMs / 1_000} s`)
      await this.#news.next(leftMs)
    }
    const end = Math.min(range.end, (piece + 1) * title.pieceLength)
    return this.#share.locate({ start: range.start, end })
  }

  #assertIs ({ digest, size }: Content, title: Title): void {
    if (digest !== title.digest) throw new PiecemealError('E_IN_PROGRESS', `another version of ${quote(title.filename)} is being downloaded`)
    if (size !== title.size) throw new PiecemealError('E_PROTOCOL', `${quote(title.filename)} is not as large as was said`)
  }

  #leave (): void {
    this.#users--
    if (this.#users > 0) return
    this.#lingering = setTimeout(this.#options.onDeserted, this.#options.lingerMs)
    // A node that has nothing else to do may end.
    this.#lingering.unref()
  }
}
