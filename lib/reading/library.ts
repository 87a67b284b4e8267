/**
 * The files of the network as they are read here: those that are shared here, those that are being
 * downloaded, those that were read before and are kept in a cache, and all others, which are
 * fetched while they are read.
 */
import type { FileCache } from '../disk/file-cache.js'
import type { FileIdentity } from '../disk/own-file.js'
import { isDigest, pieceLengthFor, type ByteRange, type Content } from '../protocol/content.js'
import { PiecemealError, type ErrorCode } from '../protocol/errors.js'
import { READ_TITLE_MS, READ_TITLES, READS_COMING } from '../protocol/limits.js'
import { assertFileName } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { Share, ShareIndex } from '../share/share-index.js'
import { Coming } from './coming.js'
import { OpenFile } from './file-here.js'
import type { Readable, Title } from './readable.js'

export interface LibraryOptions {
  shares: ShareIndex
  /** Asks the tracker. @throws E_NO_OWNER, E_CONFLICT, E_TRACKER and the like. */
  find: (filename: string, digest: string | undefined) => Promise<Found>
  /** Once the node runs; none where what is fetched is kept elsewhere, which files of folders are not. @throws E_IO and the like. */
  cache: (within?: Title['within']) => Promise<FileCache | undefined>
  /** Downloads a content, and tells of what comes. It ends when the signal is aborted. @returns the file */
  fetch: (title: Title, coming: Coming, signal: AbortSignal) => Promise<Content & { path: string }>
  /** A file of the cache as it is, if it has that digest. */
  identify: (filename: string, path: string) => Promise<{ digest: string, identity: FileIdentity }>
  /** Something about a shared file is not as it was. */
  onSuspect: (share: Share) => void
  now?: () => number
}

/** With these the tracker says nothing of a file that is here. */
export const NO_NEWS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_TRACKER', 'E_NO_OWNER', 'E_AUTH', 'E_BUSY'])

export class Library {
  readonly #options: Required<LibraryOptions>
  /** What is being downloaded. */
  readonly #coming = new Set<Coming>()
  readonly #fetching = new Map<string, { coming: Coming, ending: AbortController, ended: Promise<void> }>()
  /** What was found lately, so that a thousand readers of one file are not a thousand questions. */
  readonly #found = new Map<string, { title: Promise<Title>, untilMs: number }>()
  #cache: FileCache | undefined
  #isClosed = false

  constructor ({ now = () => performance.now(), ...options }: LibraryOptions) {
    this.#options = { now, ...options }
  }

  /** What the cache takes, as far as it was looked into. */
  get cacheBytes (): number {
    return this.#cache?.bytes ?? 0
  }

  /**
   * What is known of a file.
   *
   * @param digest which content, where there are several: whole, or its first 8 or more hex digits
   * @throws E_NAME, E_NO_OWNER, E_CONFLICT; E_TRACKER and the like if nobody can be asked and it is not here.
   */
  async find (filename: string, digest?: string): Promise<Title> {
    assertFileName(filename)
    const key = `${digest ?? ''}/${filename}`
    const known = this.#found.get(key)
    if (known && this.#options.now() < known.untilMs) return await known.title
    const title = this.#find(filename, digest)
    this.#found.delete(key)
    this.#found.set(key, { title, untilMs: this.#options.now() + READ_TITLE_MS })
    const [oldest] = this.#found.keys()
    if (oldest !== undefined && this.#found.size > READ_TITLES) this.#found.delete(oldest)
    // What went wrong may go right the next time.
    title.catch(() => { this.#found.delete(key) })
    return await title
  }

  /** To be read, and closed by the caller. @throws E_LIMIT, E_BUSY, E_DISK_FULL, E_IO; whatever else is told when it is read. */
  async open (title: Title): Promise<Readable> {
    const { shares, onSuspect } = this.#options
    const share = shares.has(title.filename) ? shares.get(title.filename) : undefined
    if (share?.digest === title.digest && !share.lacks) return await OpenFile.open({ title, path: share.path, identity: share.identity, onSuspect: () => onSuspect(share) })
    for (const coming of this.#coming) if (coming.isOf(title)) return coming.open(title)
    return await this.#openCached(title) ?? await this.#fetch(title)
  }

  /** @param within the folder that the file is of @throws E_DISK_FULL if a file of so many bytes can't be fetched, whatever else goes for it; E_IO. */
  async assertFits (bytes: number, within: NonNullable<Title['within']>): Promise<void> {
    await (await this.#openCache(within))?.assertFits(bytes)
  }

  /** Whether all of it is here. */
  async isHere ({ filename, digest }: Title): Promise<boolean> {
    const { shares } = this.#options
    const share = shares.has(filename) ? shares.get(filename) : undefined
    return (share?.digest === digest && !share.lacks) || (await this.#openCache())?.has(digest) === true
  }

  /** What was fetched to be read is not kept for the next time. Nobody reads it any more. @throws E_IO. */
  async forget ({ digest }: Title): Promise<void> {
    await this.#fetching.get(digest)?.ended
    await this.#cache?.drop(digest)
  }

  /** A download that was begun for another reason may be read as well. @returns what is to be called when it has ended */
  follow (coming: Coming): () => void {
    this.#coming.add(coming)
    return () => { this.#coming.delete(coming) }
  }

  /** Ends what is fetched for readers. Safe to call twice. */
  async close (): Promise<void> {
    this.#isClosed = true
    for (const { ending } of this.#fetching.values()) ending.abort()
    await Promise.all([...this.#fetching.values()].map(async ({ ended }) => await ended))
  }

  async #find (filename: string, digest: string | undefined): Promise<Title> {
    const { shares, find } = this.#options
    const share = shares.has(filename) ? shares.get(filename) : undefined
    try {
      const { size, digest: found, pieceLength, kind, since, owners } = await find(filename, digest)
      return { filename, size, digest: found, pieceLength, kind, since: isPast(since) ? since : undefined, owners }
    } catch (error) {
      if (!(error instanceof PiecemealError) || !NO_NEWS.has(error.code)) throw error
      const here = share && isWanted(share.digest, digest) ? share : await this.#cachedContent(digest)
      if (here === undefined) throw error
      return { filename, size: here.size, digest: here.digest, pieceLength: here.pieceLength, owners: [] }
    }
  }

  /** What the cache has of a digest that was asked for in full. */
  async #cachedContent (digest: string | undefined): Promise<Content | undefined> {
    if (digest === undefined || !isDigest(digest)) return undefined
    const size = (await this.#openCache())?.sizeOf(digest)
    return size === undefined ? undefined : { size, digest, pieceLength: pieceLengthFor(size) }
  }

  async #openCache (within?: Title['within']): Promise<FileCache | undefined> {
    this.#cache = await this.#options.cache(within)
    return this.#cache
  }

  async #openCached (title: Title): Promise<Readable | undefined> {
    const { digest, filename, within } = title
    const cache = await this.#openCache(within)
    if (!cache?.has(digest)) return undefined
    const path = cache.path(digest)
    cache.use(digest)
    try {
      const { digest: found, identity } = await this.#options.identify(filename, path)
      if (found !== digest) throw new PiecemealError('E_CHANGED', 'a file of the cache is not what it was')
      const file = await OpenFile.open({ title, path, identity, onSuspect: () => {} })
      return borrow(file, cache)
    } catch (error) {
      if (!(error instanceof PiecemealError)) throw error
      // It is fetched anew.
      await cache.drop(digest)
      return undefined
    } finally {
      cache.release(digest)
    }
  }

  async #fetch (title: Title): Promise<Readable> {
    const { digest, within } = title
    const cache = await this.#openCache(within)
    const { coming: other } = this.#fetching.get(digest) ?? {}
    if (other) return borrow(other.open(title), cache)
    if (this.#isClosed) throw new PiecemealError('E_INTERRUPTED', 'the node is leaving')
    if (this.#fetching.size >= READS_COMING) throw new PiecemealError('E_BUSY', `${READS_COMING} files are being fetched for readers already`)
    const ending = new AbortController()
    const coming = new Coming(title.filename, { digest, onDeserted: () => ending.abort() })
    const ended = this.#carryOut(title, coming, cache, ending)
    this.#fetching.set(digest, { coming, ending, ended })
    return borrow(coming.open(title), cache)
  }

  async #carryOut (title: Title, coming: Coming, cache: FileCache | undefined, ending: AbortController): Promise<void> {
    const { digest, size } = title
    const unfollow = this.follow(coming)
    cache?.use(digest)
    try {
      await cache?.makeRoom(digest, size)
      const { path, ...content } = await this.#options.fetch(title, coming, ending.signal)
      coming.arrived(content, path)
      cache?.keep(digest)
    } catch (error) {
      coming.failed(error)
    } finally {
      this.#fetching.delete(digest)
      unfollow()
      await cache?.settle(digest)
      cache?.release(digest)
    }
  }
}

/** What is read stays in the cache until then. */
function borrow (file: Readable, cache: FileCache | undefined): Readable {
  const { digest } = file.title
  cache?.use(digest)
  return new Borrowed(file, () => cache?.release(digest))
}

/** A file that stays in the cache for as long as it is read. */
class Borrowed implements Readable {
  readonly title: Title
  readonly #file: Readable
  #giveBack: (() => void) | undefined

  constructor (file: Readable, giveBack: () => void) {
    this.title = file.title
    this.#file = file
    this.#giveBack = giveBack
  }

  aim (range: ByteRange): void {
    this.#file.aim(range)
  }

  async read (into: Buffer, length: number, position: number): Promise<number> {
    return await this.#file.read(into, length, position)
  }

  async close (): Promise<void> {
    this.#giveBack?.()
    this.#giveBack = undefined
    await this.#file.close()
  }
}

/** A date of 1970 or the future, which a tracker may say whose clock is wrong, would have programs keep what is old. */
function isPast (since: number | undefined): boolean {
  return since !== undefined && since > 0 && since * 1_000 <= Date.now()
}

function isWanted (digest: string, question: string | undefined): boolean {
  return question === undefined || (isDigest(question) ? digest === question : digest.includes(question))
}
