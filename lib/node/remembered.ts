/** What a node remembers over a restart: what it shares, until its user unshares that, and what it downloads, until that ends. */
import pLimit from 'p-limit'
import { isPieceListOf } from '../content/digest.js'
import type { DigestCache } from '../disk/digest-cache.js'
import { identifyOwnFile, identityKey, isSameFile, type FileIdentity } from '../disk/own-file.js'
import { SharesFile, type RememberedAll, type RememberedDownload, type RememberedFolder, type RememberedShare } from '../disk/shares-file.js'
import { isGone } from '../disk/where-it-lies.js'
import { pieceCount } from '../protocol/content.js'
import type { Share } from '../share/share-index.js'

/** Looks at files at once. */
const LOOKS_AT_ONCE = 8

/** How a file was found that was shared before: `same`, `gone`, or to be digested again. */
export type Recalled = { how: 'same' | 'gone', share: Share } | { how: 'changed', share: Pick<Share, 'filename' | 'path' | 'digest'> }

export class Remembered {
  readonly #file: SharesFile
  readonly #shares = new Map<string, RememberedShare>()
  readonly #folders = new Map<string, RememberedFolder>()
  readonly #downloads = new Map<string, RememberedDownload>()
  readonly #onError: (error: unknown) => void

  /** @throws E_IO. */
  static async open (hiddenFolder: string, { warn, onError }: { warn: (message: string) => void, onError: (error: unknown) => void }): Promise<Remembered> {
    const file = new SharesFile(hiddenFolder)
    return new Remembered(file, await file.read(warn), onError)
  }

  private constructor (file: SharesFile, { shares, folders, downloads }: RememberedAll, onError: (error: unknown) => void) {
    this.#file = file
    this.#onError = onError
    for (const share of shares) this.#shares.set(share.name, share)
    for (const folder of folders) this.#folders.set(folder.name, folder)
    for (const download of downloads) this.#downloads.set(download.name, download)
  }

  get folders (): RememberedFolder[] {
    return [...this.#folders.values()]
  }

  get downloads (): RememberedDownload[] {
    return [...this.#downloads.values()]
  }

  /** Resolves when it is on the disk, or can't be: that is told elsewhere. */
  async put ({ filename, path, size, digest, pieceLength, identity, pieces, origin }: Share): Promise<void> {
    const isSmall = pieceCount({ size, pieceLength }) === 1
    this.#folders.delete(filename)
    this.#shares.set(filename, {
      name: filename,
      path,
      size,
      digest,
      pieceLength,
      identity: identityKey(identity),
      ...(identity.isExecutable && { executable: true }),
      // A copy: of a view all that is behind it would be kept.
      ...(isSmall && { pieces: Buffer.from(pieces) }),
      ...(origin && { origin: true }),
    })
    await this.#write()
  }

  /** The same of a folder. */
  async putFolder (folder: RememberedFolder): Promise<void> {
    this.#shares.delete(folder.name)
    this.#folders.set(folder.name, folder)
    await this.#write()
  }

  /** @returns whether it was remembered */
  forget (filename: string): boolean {
    const wasFolder = this.#folders.delete(filename)
    const was = this.#shares.delete(filename) || wasFolder
    if (was) void this.#write()
    return was
  }

  begin (download: RememberedDownload): void {
    this.#downloads.set(download.name, download)
    void this.#write()
  }

  end (name: string): void {
    if (this.#downloads.delete(name)) void this.#write()
  }

  /** All that was shared, as its files are found now; none is read. */
  async recall (digests: DigestCache): Promise<Recalled[]> {
    const limit = pLimit(LOOKS_AT_ONCE)
    return await Promise.all([...this.#shares.values()].map(async (share) => await limit(async () => await recall(share, digests))))
  }

  /** What is to be written is on the disk. */
  async close (): Promise<void> {
    await this.#write()
  }

  async #write (): Promise<void> {
    await this.#file.write(() => this.#all).catch(this.#onError)
  }

  get #all (): RememberedAll {
    return { shares: [...this.#shares.values()], folders: this.folders, downloads: this.downloads }
  }
}

async function recall (remembered: RememberedShare, digests: DigestCache): Promise<Recalled> {
  const { name: filename, path, size, digest, pieceLength, origin } = remembered
  const before = identityFrom(remembered)
  const share = { filename, path, size, digest, pieceLength, identity: before, pieces: Buffer.alloc(0), ...(origin && { origin }) }
  try {
    const identity = await identifyOwnFile(path)
    const pieces = remembered.pieces ?? (size === 0 ? Buffer.alloc(0) : (await digests.get(path, before))?.pieces)
    // A device has another number after each start of the machine.
    const isSame = isSameFile({ ...identity, dev: before.dev }, before)
    if (isSame && pieces && isPieceListOf({ size, digest, pieceLength }, pieces)) return { how: 'same', share: { ...share, identity, pieces } }
  } catch {
    if (await isGone(path)) return { how: 'gone', share }
  }
  return { how: 'changed', share: { filename, path, digest } }
}

function identityFrom ({ identity, executable }: RememberedShare): FileIdentity {
  const [dev = 0n, ino = 0n, size = 0n, mtimeNs = 0n, ctimeNs = 0n] = identity.split(' ').map(toBigInt)
  return { dev, ino, size, mtimeNs, ctimeNs, ...(executable && { isExecutable: true }) }
}

function toBigInt (text: string): bigint {
  return /^\d{1,40}$/.test(text) ? BigInt(text) : 0n
}
