/**
 * Takes the entries of a folder, one by one in their order, whether they come from a manifest or from
 * a disk, and refuses whatever a manifest may not have.
 */
import { PIECE_DIGEST_BYTES, pieceCount, pieceLengthFor } from '../protocol/content.js'
import { protocolError } from '../protocol/check.js'
import { PiecemealError } from '../protocol/errors.js'
import { FOLDER_ENTRIES, LINK_TARGET_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { Columns } from './columns.js'
import type { Entry, FileEntry, Head, LinkEntry } from './entry.js'
import { assertLinksStayInside, linksThatLeadOut } from './links.js'
import { Manifest } from './manifest.js'
import { assertPath, comparePaths, isBelow } from './path.js'

export class ManifestBuilder {
  readonly #columns = new Columns()
  #files = 0
  #size = 0
  #hasTimes: boolean | undefined
  /** Of the last path, up to its last `/`: most paths are in the same folder as the one before. */
  #folder = ''

  /** What has come so far. */
  get head (): Head {
    return { files: this.#files, size: this.#size }
  }

  /**
   * @throws E_NAME for its path, E_FORBIDDEN for a link that leads out at once, E_LIMIT, and E_PROTOCOL where it does not fit itself
   *   or those before it. Nothing more can be added then.
   */
  add (entry: Entry): void {
    if (this.#columns.count === FOLDER_ENTRIES) throw new PiecemealError('E_LIMIT', `the folder has more than ${FOLDER_ENTRIES} files, links and empty folders`)
    this.#assertPath(entry.path)
    if (entry.kind === 'link') assertTarget(entry)
    else this.#assertTime(entry)
    if (entry.kind === 'file') this.#count(entry)
    this.#columns.append(entry)
    this.#assertOrder(entry.path)
  }

  /** The paths of links for which `build` would throw, all of them. */
  linksThatLeadOut (): string[] {
    return linksThatLeadOut(this.#columns).map((index) => this.#columns.path(index))
  }

  /** @throws E_FORBIDDEN for a link that leads out of the folder. */
  build (): Manifest {
    assertLinksStayInside(this.#columns)
    return new Manifest(this.#columns, this.head)
  }

  #assertPath (path: string): void {
    const isKnown = path.startsWith(this.#folder) && !path.includes('/', this.#folder.length)
    assertPath(path, isKnown ? this.#folder : '')
    this.#folder = path.slice(0, path.lastIndexOf('/') + 1)
  }

  #count ({ path, size, digests }: FileEntry): void {
    if (digests.length !== pieceCount({ size, pieceLength: pieceLengthFor(size) }) * PIECE_DIGEST_BYTES) {
      throw protocolError(`${quote(path)}: the digests are not those of ${size} bytes`)
    }
    this.#files++
    this.#size += size
    if (!Number.isSafeInteger(this.#size)) throw new PiecemealError('E_LIMIT', `${quote(path)}: the folder has more than ${Number.MAX_SAFE_INTEGER} bytes`)
  }

  #assertTime ({ path, mtimeMs }: Exclude<Entry, LinkEntry>): void {
    const hasTime = mtimeMs !== undefined
    this.#hasTimes ??= hasTime
    if (this.#hasTimes !== hasTime) throw protocolError(`${quote(path)}: either all files and empty folders have a time or none has`)
  }

  /** Since what is below a path follows it at once, the entry before tells of two things in one place as well. */
  #assertOrder (path: string): void {
    const last = this.#columns.count - 1
    if (last === 0) return
    const before = this.#columns.pathSlice(last - 1)
    const here = this.#columns.pathSlice(last)
    if (comparePaths(before, here) >= 0) throw protocolError(`${quote(path)} does not come after ${quote(this.#columns.path(last - 1))}`)
    if (isBelow(here, before)) throw protocolError(`${quote(path)} is below ${quote(this.#columns.path(last - 1))}, which is a file, a link or an empty folder`)
  }
}

/** Whether it stays inside is known only once all links are. */
function assertTarget ({ path, target }: LinkEntry): void {
  if (target.startsWith('/')) throw new PiecemealError('E_FORBIDDEN', `${quote(path)} is a link that leads out of the folder, to ${quote(target)}`)
  const isPossible = target !== '' && target.isWellFormed() && !target.includes('\0') && Buffer.byteLength(target) <= LINK_TARGET_BYTES
  if (!isPossible) throw protocolError(`${quote(path)} is a link to what no link can lead to, ${quote(target)}`)
}
