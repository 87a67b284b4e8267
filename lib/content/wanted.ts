/**
 * What is wanted of a content, and where its owners have it: they know nothing of what somebody
 * wants, and number all that there is.
 */
import type { ByteRange } from '../protocol/content.js'
import { bytesOf, FileLayout, type Layout } from './layout.js'
import type { PieceSet } from './piece-set.js'
import type { PieceRange } from './run.js'

export interface Wanted {
  /** Left out: of the content itself. */
  readonly of?: 'manifest' | undefined
  /** Of what is wanted: pieces as the schedule has them, bytes as part files have them. */
  readonly layout: Layout
  /** How many pieces the content has for its owners. */
  readonly ownersPieces: number
  /** Where owners have these wanted pieces: ascending, not touching. */
  rangesOf (pieces: PieceRange): ByteRange[]
  /** Where a part ends that begins with the first of these pieces. */
  endOfPart (pieces: PieceRange): number
  /** Which of the wanted pieces somebody has, who has these of the whole content. */
  wantedOf (have: PieceSet): PieceSet
}

/** All of a file, or of a folder's manifest. */
export class WantedFile implements Wanted {
  readonly layout: FileLayout
  readonly of: Wanted['of']

  constructor ({ size, pieceLength }: { size: number, pieceLength: number }, of?: Wanted['of']) {
    this.layout = new FileLayout(size, pieceLength)
    this.of = of
  }

  get ownersPieces (): number {
    return this.layout.pieceCount
  }

  rangesOf (pieces: PieceRange): ByteRange[] {
    return [bytesOf(this.layout, pieces)]
  }

  endOfPart ({ endPiece }: PieceRange): number {
    return endPiece
  }

  wantedOf (have: PieceSet): PieceSet {
    return have
  }
}
