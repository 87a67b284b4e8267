/**
 * What was fetched to be read, not to be kept: whole files and parts of files in `.piecemeal/cache`, by
 * digest. What was used longest ago goes where another one needs the room, but nothing that is in use.
 */
import { lstat, mkdir, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { CACHE_FOLDER, CACHED_FILE, DIGEST_FOLDER } from './hidden.js'
import { DIGEST_PREFIX } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { CACHE_BYTES, CACHE_PARTS } from '../protocol/limits.js'
import { unpromisedBytes } from './room.js'

interface Entry {
  bytes: number
  usedMs: number
  isWhole: boolean
}

export class FileCache {
  /** Where downloads into it are put together, in the place of the node's own hidden folder. */
  readonly folder: string
  readonly #limit: number
  /** By the hex digits of the digest. */
  readonly #entries: Map<string, Entry>
  /** How often each is in use. */
  readonly #uses = new Map<string, number>()

  /**
   * Looks what an earlier run has left; what it knows nothing of goes.
   *
   * @param hiddenFolder `DIR/NAME/.piecemeal`
   * @param limit bytes. @default 10 GiB, and at most a tenth of the free room
   * @throws E_DISK_FULL, E_IO.
   */
  static async open (hiddenFolder: string, limit?: number): Promise<FileCache> {
    const folder = join(hiddenFolder, CACHE_FOLDER)
    try {
      return await atDisk(async () => {
        await mkdir(folder, { recursive: true })
        return new FileCache(folder, limit ?? await defaultLimit(folder), await entriesOf(folder))
      })
    } catch (error) {
      throw toDiskError(error, `cannot use ${folder}`)
    }
  }

  private constructor (folder: string, limit: number, entries: Map<string, Entry>) {
    this.folder = folder
    this.#limit = limit
    this.#entries = entries
  }

  get bytes (): number {
    let bytes = 0
    for (const entry of this.#entries.values()) bytes += entry.bytes
    return bytes
  }

  /** Where the whole file of a digest is, or is to be. */
  path (digest: string): string {
    return join(this.folder, `${hexOf(digest)}.file`)
  }

  has (digest: string): boolean {
    return this.sizeOf(digest) !== undefined
  }

  /** Of a file that is there as a whole. */
  sizeOf (digest: string): number | undefined {
    const entry = this.#entries.get(hexOf(digest))
    return entry?.isWhole === true ? entry.bytes : undefined
  }

  /** Nothing of it goes until it is released as often. */
  use (digest: string): void {
    const hex = hexOf(digest)
    this.#uses.set(hex, (this.#uses.get(hex) ?? 0) + 1)
    const entry = this.#entries.get(hex)
    // Not noted in the file's times: they tell whether it is as it was. After a start it is as if each had been used when it came.
    if (entry) entry.usedMs = Date.now()
  }

  release (digest: string): void {
    const hex = hexOf(digest)
    const uses = (this.#uses.get(hex) ?? 0) - 1
    if (uses > 0) this.#uses.set(hex, uses)
    else this.#uses.delete(hex)
  }

  /** @throws E_DISK_FULL if a file of so many bytes can't be here, whatever goes for it. */
  async assertFits (bytes: number): Promise<void> {
    if (bytes > this.#limit) throw new PiecemealError('E_DISK_FULL', `${bytes} bytes don't fit into the cache of ${this.#limit}; see --cache`)
    const free = await atDisk(async () => await unpromisedBytes(this.folder))
    if (bytes > free + this.bytes) throw new PiecemealError('E_DISK_FULL', `no room for ${bytes} bytes: ${free} are free`)
  }

  /**
   * Makes room for a file that is to be fetched, and counts it as if all of it were there.
   *
   * @throws E_DISK_FULL if it is larger than the cache, or too much of that is in use; E_IO.
   */
  async makeRoom (digest: string, size: number): Promise<void> {
    const hex = hexOf(digest)
    const others = [...this.#entries].filter(([other]) => other !== hex).sort(([, a], [, b]) => a.usedMs - b.usedMs)
    let bytes = others.reduce((sum, [, entry]) => sum + entry.bytes, size)
    for (const [other, entry] of others) {
      if (bytes <= this.#limit) break
      if (this.#uses.has(other)) continue
      await this.#remove(other)
      bytes -= entry.bytes
    }
    if (bytes > this.#limit) throw new PiecemealError('E_DISK_FULL', `${size} bytes don't fit into the cache of ${this.#limit}${bytes > size ? ', for the rest is in use' : ''}; see --cache`)
    this.#entries.set(hex, { bytes: size, usedMs: Date.now(), isWhole: false })
  }

  /** All of it is there now. */
  keep (digest: string): void {
    const entry = this.#entries.get(hexOf(digest))
    if (entry) entry.isWhole = true
  }

  /** What is there of it, if anything, is wrong. */
  async drop (digest: string): Promise<void> {
    await this.#remove(hexOf(digest))
  }

  /** No more will come of it: it counts for what it takes. */
  async settle (digest: string): Promise<void> {
    const hex = hexOf(digest)
    const entry = this.#entries.get(hex)
    if (entry === undefined || entry.isWhole) return
    entry.bytes = await atDisk(async () => await bytesIn(join(this.folder, hex))).catch(() => entry.bytes)
    if (entry.bytes === 0) this.#entries.delete(hex)
  }

  async #remove (hex: string): Promise<void> {
    try {
      await atDisk(async () => {
        await rm(join(this.folder, `${hex}.file`), { force: true })
        await rm(join(this.folder, hex), { recursive: true, force: true })
      })
      this.#entries.delete(hex)
    } catch (error) {
      throw toDiskError(error, 'cannot make room in the cache')
    }
  }
}

function hexOf (digest: string): string {
  return digest.slice(DIGEST_PREFIX.length)
}

async function defaultLimit (folder: string): Promise<number> {
  const { blocks, bavail, bsize } = await statfs(folder)
  return blocks === 0 ? CACHE_BYTES : Math.min(CACHE_BYTES, Math.floor(bavail * bsize / CACHE_PARTS))
}

async function entriesOf (folder: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const hex = name.slice(0, 64)
    const isWhole = CACHED_FILE.test(name)
    if (!isWhole && !DIGEST_FOLDER.test(name)) {
      await rm(path, { recursive: true, force: true })
      continue
    }
    const { mtimeMs, size } = await lstat(path)
    if (entries.get(hex)?.isWhole !== true) entries.set(hex, { bytes: isWhole ? size : await bytesIn(path), usedMs: mtimeMs, isWhole })
  }
  return entries
}

/** What is in a folder, and in those in it. */
async function bytesIn (folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).blocks * 512
  }
  return bytes
}
