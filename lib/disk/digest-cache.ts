/**
 * Digests of files that were shared before, wherever they lie, kept in the hidden folder, or the user's cache folder: the same
 * unchanged file is shared again at once. A file of one piece is digested sooner than its entry is found, so it has none.
 */
import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isPieceListOf, type PieceList } from '../content/digest.js'
import { makeFolder } from './make-folder.js'
import { atDisk } from './at-disk.js'
import { identityKey, type FileIdentity } from './own-file.js'
import * as check from '../protocol/check.js'
import type { Content } from '../protocol/content.js'
import { MIN_PIECE_BYTES } from '../protocol/limits.js'
import { DIGESTS_FOLDER, TREES_FOLDER } from './hidden.js'

const entry = {
  path: check.string,
  identity: check.string,
  size: check.bytes,
  digest: check.digest,
  pieceLength: check.bytes,
  pieces: check.base64,
}

export class DigestCache {
  readonly #folder: string | undefined
  readonly #treesFolder: string | undefined

  /** @param keptIn `DIR/NAME/.piecemeal`, or wherever the node may write; without it nothing is remembered */
  constructor (keptIn: string | undefined) {
    this.#folder = keptIn === undefined ? undefined : join(keptIn, DIGESTS_FOLDER)
    this.#treesFolder = keptIn === undefined ? undefined : join(keptIn, TREES_FOLDER)
  }

  /** What the file was when it was digested, or undefined if it has changed since, or the entry can't be read. */
  async get (path: string, identity: FileIdentity): Promise<(Content & { pieces: PieceList }) | undefined> {
    if (this.#folder === undefined || !isWorthKeeping(identity)) return undefined
    const entryPath = join(this.#folder, entryName(path))
    try {
      const found = check.checkShape(entry, JSON.parse(await atDisk(async () => await readFile(entryPath, 'utf8'))))
      if (found.path !== path || found.identity !== identityKey(identity) || BigInt(found.size) !== identity.size) return undefined
      const { size, digest, pieceLength, pieces } = found
      if (!isPieceListOf(found, pieces)) return undefined
      await atDisk(async () => { await utimes(entryPath, new Date(), new Date()) })
      return { size, digest, pieceLength, pieces }
    } catch {
      // A cache that can't be used is one that is not there: the file is digested again.
      return undefined
    }
  }

  /** @throws what writing throws; an entry is replaced whole or not at all. */
  async put (path: string, identity: FileIdentity, { size, digest, pieceLength, pieces }: Content & { pieces: PieceList }): Promise<void> {
    if (this.#folder === undefined || !isWorthKeeping(identity)) return
    const folder = this.#folder
    const entryPath = join(folder, entryName(path))
    // Several processes of one user may share a cache.
    const temporary = `${entryPath}.${process.pid}.new`
    await atDisk(async () => {
      await makeFolder(folder)
      await writeFile(temporary, JSON.stringify({ path, identity: identityKey(identity), size, digest, pieceLength, pieces: pieces.toString('base64') }))
      await rename(temporary, entryPath)
    })
  }

  /** Forgets files and folders that were not asked for since then, by the wall clock, in milliseconds. */
  async prune (sinceMs: number): Promise<void> {
    for (const folder of [this.#folder, this.#treesFolder]) {
      if (folder === undefined) return
      for (const name of await readdir(folder).catch(() => [])) {
        const entryPath = join(folder, name)
        const usedMs = await lstat(entryPath).then(({ mtimeMs }) => mtimeMs, () => Infinity)
        if (usedMs < sinceMs) await rm(entryPath, { force: true })
      }
    }
  }
}

function isWorthKeeping ({ size }: FileIdentity): boolean {
  return size > MIN_PIECE_BYTES
}

function entryName (path: string): string {
  return `${createHash('sha256').update(path).digest('hex')}.json`
}
