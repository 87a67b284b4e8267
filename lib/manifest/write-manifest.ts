import { blake3 } from '@napi-rs/blake-hash'
import { folderDigest, type PieceList } from '../content/digest.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MANIFEST_BYTES, MIN_PIECE_BYTES } from '../protocol/limits.js'
import { entryLine, headLine } from './entry.js'
import type { Manifest } from './manifest.js'

/**
 * The bytes of a manifest, piece by piece: 1 MiB each, but for the last.
 *
 * @param newPiece where the next one goes to; a buffer of its own if left out
 * @throws E_LIMIT where they are too many.
 */
export function * writeManifest (manifest: Manifest, newPiece = () => Buffer.allocUnsafe(MIN_PIECE_BYTES)): Generator<Buffer, void> {
  let bytes = 0
  let piece = newPiece()
  let filled = 0
  for (const line of linesOf(manifest)) {
    const text = Buffer.from(`${line}\n`)
    bytes += text.length
    if (bytes > MANIFEST_BYTES) throw new PiecemealError('E_LIMIT', `the folder's manifest would have more than ${MANIFEST_BYTES} bytes`)
    for (let at = 0; at < text.length;) {
      const copied = text.copy(piece, filled, at)
      filled += copied
      at += copied
      if (filled < piece.length) continue
      yield piece
      piece = newPiece()
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

/** What the manifest is as a content of its own, whose digest is that of the folder. @throws E_LIMIT as `writeManifest`. */
export function contentOfManifest (manifest: Manifest): Content & { pieces: PieceList } {
  let size = 0
  const digests: Buffer[] = []
  // The garbage collector is late for buffers: it came when there were fifty of them.
  const buffer = Buffer.allocUnsafeSlow(MIN_PIECE_BYTES)
  for (const piece of writeManifest(manifest, () => buffer)) {
    size += piece.length
    digests.push(blake3(piece))
  }
  const pieces = Buffer.concat(digests)
  return { size, pieceLength: MIN_PIECE_BYTES, digest: folderDigest(size, pieces), pieces }
}

function * linesOf (manifest: Manifest): Generator<string, void> {
  yield headLine(manifest.head)
  for (const entry of manifest.entries()) yield entryLine(entry)
}
