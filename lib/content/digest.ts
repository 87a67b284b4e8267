import { blake3, Blake3Hasher } from '@napi-rs/blake-hash'
import { DIGEST_PREFIX, PIECE_DIGEST_BYTES, pieceCount, pieceLengthFor, type Content } from '../protocol/content.js'

/** The digests of a content's pieces, 32 bytes each, in order. */
export type PieceList = Buffer

/** The digest of a whole file: `blake3:` and the hex of the BLAKE3 of one line and its piece list. */
export function contentDigest (size: number, pieceLength: number, pieces: PieceList): string {
  return listDigest(`piecemeal/1 ${size} ${pieceLength}\n`, pieces)
}

/** The digest of a folder, from its manifest's size and pieces, of 1 MiB each: its line is another, so it is no file's digest. */
export function folderDigest (manifestBytes: number, pieces: PieceList): string {
  return listDigest(`piecemeal-folder/1 ${manifestBytes}\n`, pieces)
}

function listDigest (line: string, pieces: PieceList): string {
  const hasher = new Blake3Hasher()
  hasher.update(line)
  hasher.update(pieces)
  return DIGEST_PREFIX + hasher.digest('hex')
}

/** Whether the list is the one that the content's digest was made of: of a folder that of its manifest. */
export function isPieceListOf ({ size, pieceLength, digest, kind }: Content, pieces: PieceList): boolean {
  return pieces.length === pieceCount({ size, pieceLength }) * PIECE_DIGEST_BYTES &&
    (kind === 'folder' ? folderDigest(size, pieces) : contentDigest(size, pieceLength, pieces)) === digest
}

/** The content of a few bytes that are at hand. */
export function contentOf (data: Buffer): Content & { pieces: PieceList } {
  const size = data.length
  const pieceLength = pieceLengthFor(size)
  const pieces = Buffer.concat(Array.from({ length: pieceCount({ size, pieceLength }) }, (_, i) =>
    blake3(data.subarray(i * pieceLength, (i + 1) * pieceLength))))
  return { size, pieceLength, digest: contentDigest(size, pieceLength, pieces), pieces }
}
