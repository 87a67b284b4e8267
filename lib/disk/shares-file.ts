/**
 * What a node is to share and to download again after a restart: one file in its hidden folder, and
 * beside it a copy of the one before. A file is written anew, synced, and only then takes the name.
 */
import { copyFile, link, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as check from '../protocol/check.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { SHARES_PER_NODE } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { SHARES_FILE } from './hidden.js'

const share = {
  name: check.fileName,
  path: check.string,
  size: check.bytes,
  digest: check.digest,
  pieceLength: check.bytes,
  /** As `identityKey` writes it. */
  identity: check.string,
  executable: check.optional(check.boolean),
  /** Of a file of one piece, which no cache of digests has. */
  pieces: check.optional(check.base64),
  origin: check.optional(check.boolean),
}
/** A folder is digested again after a restart, but for its files that are as they were. */
const folder = { name: check.fileName, path: check.string, times: check.optional(check.boolean), skipSpecial: check.optional(check.boolean) }
const download = {
  name: check.fileName,
  digest: check.optional(check.string),
  to: check.optional(check.string),
  /** Of a folder: what is wanted of it, and whether what can't be had is left out. */
  only: check.optional(check.array(check.string, SHARES_PER_NODE)),
  skipMissing: check.optional(check.boolean),
  update: check.optional(check.boolean),
  allowShrink: check.optional(check.boolean),
}
const document = {
  piecemeal: check.literal(1),
  shares: check.array(check.object(share), SHARES_PER_NODE),
  folders: check.optional(check.array(check.object(folder), SHARES_PER_NODE)),
  downloads: check.array(check.object(download), SHARES_PER_NODE),
}

export type RememberedShare = check.Checked<typeof share>
export type RememberedDownload = check.Checked<typeof download>
export type RememberedFolder = check.Checked<typeof folder>
export interface RememberedAll {
  shares: RememberedShare[]
  folders: RememberedFolder[]
  downloads: RememberedDownload[]
}

export class SharesFile {
  readonly #path: string
  #running: Promise<void> = Promise.resolve()
  #due: Promise<void> | undefined

  constructor (hiddenFolder: string) {
    this.#path = join(hiddenFolder, SHARES_FILE)
  }

  /**
   * What was written last, or else what was before. One that can't be understood is moved aside.
   *
   * @param warn is told what was lost
   * @throws E_IO where the disk does not give it: then it is not to be written over.
   */
  async read (warn: (message: string) => void): Promise<RememberedAll> {
    for (const path of [this.#path, this.#copy]) {
      const text = await this.#text(path)
      if (text === undefined) continue
      try {
        const { shares, folders = [], downloads } = check.checkShape(document, JSON.parse(text))
        return { shares, folders, downloads }
      } catch (cause) {
        const aside = `${path}.bad-${Date.now()}`
        await rename(path, aside).catch(() => {})
        warn(`cannot understand ${quote(path)} (${cause instanceof Error ? cause.message : String(cause)}): it is ${quote(aside)} now, and what it said is not known any more`)
      }
    }
    return { shares: [], folders: [], downloads: [] }
  }

  /** Written as it is when its turn comes: many calls in a row are few writes. @throws E_IO, E_DISK_FULL. */
  async write (current: () => RememberedAll): Promise<void> {
    this.#due ??= this.#running.catch(() => {}).then(async () => {
      this.#due = undefined
      this.#running = this.#writeNow(current())
      await this.#running
    })
    await this.#due
  }

  async #writeNow ({ shares, folders, downloads }: RememberedAll): Promise<void> {
    const text = JSON.stringify({ piecemeal: 1, shares: shares.map(({ pieces, ...one }) => ({ ...one, ...(pieces && { pieces: pieces.toString('base64') }) })), folders, downloads })
    try {
      await atDisk(async () => {
        const file = await open(this.#new, 'w', 0o600)
        try {
          await file.writeFile(text)
          await file.sync()
        } finally {
          await file.close()
        }
        await rm(this.#copy, { force: true })
        await link(this.#path, this.#copy).catch(async () => await copyFile(this.#path, this.#copy)).catch(() => {})
        await rename(this.#new, this.#path)
      })
    } catch (error) {
      throw toDiskError(error, `cannot remember what is shared in ${quote(this.#path)}`)
    }
  }

  get #copy (): string {
    return `${this.#path}.old`
  }

  get #new (): string {
    return `${this.#path}.new`
  }

  async #text (path: string): Promise<string | undefined> {
    try {
      return await atDisk(async () => await readFile(path, 'utf8'))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw new PiecemealError('E_IO', `cannot read ${quote(path)}: ${systemCode(error) ?? String(error)}`, { cause: error })
    }
  }
}
