/** Pieces with the files that they are of: a folder's, or one file's, which need not all be there. */
import { FolderLayout } from '../content/layout.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'

/** Files that pieces are of: those of a folder, or one. */
export type PiecedFiles =
  { root: string, manifest: ManifestData } |
  /** `start`: where the content begins in the file; below 0 where its beginning is not in it. */
  { path: string, size: number, pieces: Uint8Array, start?: number }

/** Of a piece. */
export interface Place {
  path: string
  position: number
  bytes: number
}

export interface WholeFile {
  path: string
  size: number
  endPiece: number
}

/** Pieces, and where they are in files. */
export class Pieces {
  readonly layout: FolderLayout
  readonly digests: Buffer
  readonly #path: (file: number) => string
  readonly #start: number

  constructor (files: PiecedFiles) {
    this.#start = 'path' in files ? files.start ?? 0 : 0
    if ('path' in files) {
      this.layout = new FolderLayout([files.size])
      this.digests = Buffer.from(files.pieces.buffer, files.pieces.byteOffset, files.pieces.byteLength)
      this.#path = () => files.path
    } else {
      const manifest = Manifest.fromData(files.manifest)
      this.layout = new FolderLayout(manifest.sizes)
      this.digests = manifest.pieces
      this.#path = (file) => `${files.root}/${manifest.path(file)}`
    }
  }

  place (piece: number): Place {
    const file = this.layout.fileOf(piece)
    const start = this.layout.offsetOf(piece)
    return { path: this.#path(file), position: this.#start + start - this.layout.offsetOfFile(file), bytes: this.layout.offsetOf(piece + 1) - start }
  }

  /** The file that begins with this piece, if one does. */
  wholeFileAt (piece: number): WholeFile | undefined {
    const file = this.layout.fileOf(piece)
    if (this.#start !== 0 || this.layout.firstPieceOf(file) !== piece) return undefined
    return { path: this.#path(file), size: this.layout.offsetOfFile(file + 1) - this.layout.offsetOfFile(file), endPiece: this.layout.firstPieceOf(file + 1) }
  }
}
