/**
 * Where a download that is under way lives: part files and a small journal in
 * `DIR/NAME/.piecemeal/<digest>/<name>/`, on the file system of its target. `<name>` is the
 * beginning of the SHA-256 of the file name, so that one content may be fetched under two names.
 *
 * A part file `<first piece>-<number>.part` holds pieces from that one on. Where the file system has
 * holes there is usually one, from piece 0, with windows for all parts; otherwise the pieces of each
 * follow one another. What is in a part file counts only as far as the digests say, whatever
 * happened to the process that wrote it.
 */
import { constants } from 'node:fs'
import { lstat, open, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import type { DigestTask } from './digest-pieces.js'
import type { PieceList } from '../content/digest.js'
import { FileLayout, offsetsOf, type Layout } from '../content/layout.js'
import type { PieceRange, Place, PlacedRun } from '../content/run.js'
import { PIECE_DIGEST_BYTES, type Content } from '../protocol/content.js'
import { JOURNAL, PART_FILE, partFileName, workspaceFolder } from './hidden.js'
import { BLOCK_BYTES } from './has-holes.js'
import { makeFolder } from './make-folder.js'
import { RoomPromise, type Wish } from './room.js'

export class Workspace {
  readonly #folder: string
  readonly #content: Content & { filename: string }
  readonly #layout: Layout
  /** Without anything from an earlier run. */
  readonly #isNew: boolean
  readonly #inWindows: boolean
  #nextFile = 0

  /**
   * Makes the folder, or takes over what an earlier run left.
   *
   * @param inWindows whether part files may have holes, which count neither as kept nor as the end of what is
   * @param options.layout of the pieces in them, @default a file's
   * @param options.folder where they are, @default that of the content
   * @param options.isUpdate whether it is to take the place of what has its name: then that is no reason to remove it
   * @throws E_DISK_FULL, E_IO.
   */
  static async open (hiddenFolder: string, content: Content & { filename: string }, inWindows: boolean, options: { layout?: Layout, folder?: string, isUpdate?: boolean } = {}): Promise<Workspace> {
    const { folder = workspaceFolder(hiddenFolder, content), layout = new FileLayout(content.size, content.pieceLength), isUpdate = false } = options
    try {
      const { filename, size, digest, pieceLength } = content
      const isNew = await atDisk(async () => await makeFolder(folder))
      await atDisk(async () => await writeFile(join(folder, JOURNAL), JSON.stringify({ filename, size, digest, pieceLength, ...(isUpdate && { isUpdate }) })))
      return new Workspace(folder, content, layout, isNew, inWindows)
    } catch (error) {
      throw toDiskError(error, `cannot make ${folder}`)
    }
  }

  private constructor (folder: string, content: Content & { filename: string }, layout: Layout, isNew: boolean, inWindows: boolean) {
    this.#folder = folder
    this.#content = content
    this.#layout = layout
    this.#isNew = isNew
    this.#inWindows = inWindows
  }

  /** The path of a part file that does not exist yet. */
  newPartFile (firstPiece: number): string {
    return join(this.#folder, partFileName(firstPiece, this.#nextFile++))
  }

  /**
   * @param zeroBytes in pieces of zeros, which take no room where there are holes
   * @param tree what is made of the part files, if that is not one file
   * @throws E_DISK_FULL if what is still to come has no room; E_IO.
   */
  async promiseRoom (zeroBytes = 0, tree: Partial<Pick<Wish, 'size' | 'inodes' | 'largestFile'>> = {}): Promise<RoomPromise> {
    const { filename } = this.#content
    const { size } = this.#layout
    try {
      return await atDisk(async () => await RoomPromise.make({ folder: this.#folder, filename, size, ...tree, keptBytes: (this.#inWindows ? zeroBytes : 0) + await this.#keptBytes() }))
    } catch (error) {
      throw toDiskError(error, 'cannot ask for the room on the disk')
    }
  }

  async #keptBytes (): Promise<number> {
    if (this.#isNew) return 0
    let bytes = 0
    for (const entry of await this.#partFiles()) {
      const { size, blocks } = await lstat(join(this.#folder, entry))
      bytes += this.#inWindows ? Math.min(size, blocks * BLOCK_BYTES) : size
    }
    return Math.min(bytes, this.#layout.size)
  }

  async #partFiles (): Promise<string[]> {
    return (await readdir(this.#folder)).filter((entry) => PART_FILE.test(entry))
  }

  /** Where the same content is downloaded under other names, or was. */
  async elsewhere (): Promise<string[]> {
    const parent = dirname(this.#folder)
    const folders = await atDisk(async () => await readdir(parent)).catch(() => [])
    return folders.map((name) => join(parent, name)).filter((folder) => folder !== this.#folder)
  }

  /** Part files of it there; what is in them is not known. */
  async partsElsewhere (): Promise<Place[]> {
    const places: Place[] = []
    for (const folder of await this.elsewhere()) {
      for (const entry of await atDisk(async () => await readdir(folder)).catch(() => [])) {
        const [, originPiece] = PART_FILE.exec(entry) ?? []
        if (originPiece !== undefined) places.push({ path: join(folder, entry), originPiece: Number(originPiece) })
      }
    }
    return places
  }

  async hasParts (): Promise<boolean> {
    return await this.#partFiles().then((entries) => entries.length > 0, () => false)
  }

  /** The good pieces that an earlier run left, longest run first; files without any are removed. */
  async resume (pieces: PieceList, digestPieces: (task: DigestTask) => Promise<PieceList>): Promise<PlacedRun[]> {
    if (this.#isNew) return []
    const runs: PlacedRun[] = []
    for (const entry of await this.#partFiles()) {
      const [originPiece = 0, number = 0] = PART_FILE.exec(entry)?.slice(1).map(Number) ?? []
      this.#nextFile = Math.max(this.#nextFile, number + 1)
      const place = { path: join(this.#folder, entry), originPiece }
      const found = await this.#goodPieces(place, pieces, digestPieces)
        .catch((error: unknown) => { throw toDiskError(error, 'cannot read what an earlier run left') })
      if (found.length === 0) await rm(place.path, { force: true })
      runs.push(...found.map((range) => ({ ...range, ...place })))
    }
    return runs.sort((a, b) => (b.endPiece - b.firstPiece) - (a.endPiece - a.firstPiece))
  }

  /** All of them in a file with windows; otherwise those at its beginning, for what follows a gap can't be glued. */
  async #goodPieces ({ path, originPiece }: Place, pieces: PieceList, digestPieces: (task: DigestTask) => Promise<PieceList>): Promise<PieceRange[]> {
    const { size, pieceLength } = this.#content
    const handle = await atDisk(async () => await open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
    try {
      const start = this.#layout.offsetOf(originPiece)
      // The last one may not be whole.
      const endPiece = this.#layout.pieceAt(start + (await handle.stat()).size)
      if (endPiece <= originPiece) return []
      const run = { firstPiece: originPiece, endPiece }
      const found = await digestPieces({ fd: handle.fd, offset: -start, size, pieceLength, ...run, offsets: offsetsOf(this.#layout, run) })
      const isGood = (piece: number): boolean => digestAt(found, piece - originPiece).equals(digestAt(pieces, piece))
      const ranges = rangesOf(originPiece, endPiece, isGood)
      return this.#inWindows ? ranges : ranges.filter(({ firstPiece }) => firstPiece === originPiece)
    } finally {
      await handle.close()
    }
  }

  /** Nothing of the download is needed any more. */
  async remove (): Promise<void> {
    // After a single part there is nothing left in it.
    await rmdir(this.#folder).catch(async () => await rm(this.#folder, { recursive: true, force: true }))
    // Another name may still be fetched with the same digest.
    await rmdir(dirname(this.#folder)).catch(() => {})
  }
}

function digestAt (list: PieceList, index: number): Buffer {
  return list.subarray(index * PIECE_DIGEST_BYTES, (index + 1) * PIECE_DIGEST_BYTES)
}

function rangesOf (firstPiece: number, endPiece: number, isIn: (piece: number) => boolean): PieceRange[] {
  const ranges: PieceRange[] = []
  for (let piece = firstPiece; piece < endPiece; piece++) {
    if (!isIn(piece)) continue
    const last = ranges.at(-1)
    if (last?.endPiece === piece) last.endPiece++
    else ranges.push({ firstPiece: piece, endPiece: piece + 1 })
  }
  return ranges
}
