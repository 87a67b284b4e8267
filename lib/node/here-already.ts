/** What a download need not fetch, since this node has it: in what it shares, of any version, and in what it is downloading. */
import { contentDigest, isPieceListOf, type PieceList } from '../content/digest.js'
import type { HereAlready } from '../download/context.js'
import { PIECE_DIGEST_BYTES, pieceCount, type Content } from '../protocol/content.js'
import { HERE_DIGEST_BYTES, HERE_TRIES } from '../protocol/limits.js'
import { piecesHere } from '../share/folder-share.js'
import type { Here } from '../tree/take-from-here.js'
import type { Offers } from './offers.js'

type Offered = Pick<Offers, 'shares' | 'folders' | 'partials'>

export function hereAlready (offers: Offered): HereAlready {
  return { contentOf: (found) => contentOf(found, offers), places: () => placesOf(offers) }
}

function contentOf (found: Content, { shares, folders, partials }: Offered): Content & { pieces: PieceList } | undefined {
  for (const { size, digest, pieceLength, pieces } of shares.withDigest(found.digest)) {
    if (isPieceListOf({ size, digest, pieceLength }, pieces)) return { size, digest, pieceLength, pieces }
  }
  for (const { content, pieces } of partials) {
    if (content.digest === found.digest && pieces && isPieceListOf(content, pieces)) return { ...content, pieces }
  }
  return pieceCount(found) === 1 ? smallFileOf(found, folders) : undefined
}

/** Whose digest alone is known, not that of its piece. */
function smallFileOf ({ size, digest, pieceLength }: Content, folders: Offered['folders']): Content & { pieces: PieceList } | undefined {
  let tries = 0
  for (const { manifest } of folders.all) {
    for (let index = manifest.sizes.indexOf(size); index >= 0 && tries < HERE_TRIES; index = manifest.sizes.indexOf(size, index + 1), tries++) {
      const first = manifest.firstPieceOf(index) * PIECE_DIGEST_BYTES
      const pieces = manifest.pieces.subarray(first, first + PIECE_DIGEST_BYTES)
      if (contentDigest(size, pieceLength, pieces) === digest) return { size, digest, pieceLength, pieces: Buffer.from(pieces) }
    }
  }
  return undefined
}

function placesOf ({ shares, folders, partials }: Offered): Here[] {
  const places: Here[] = folders.all.map((folder) => ({ files: { root: folder.path, manifest: folder.manifest.data }, ...(folder.lacks && { have: piecesHere(folder).toBytes() }) }))
  let bytes = 0
  /** A copy: of a view all that is behind it would go to the thread. */
  const copyOf = (pieces: PieceList): Uint8Array | undefined => {
    bytes += pieces.length
    return bytes <= HERE_DIGEST_BYTES ? Uint8Array.from(pieces) : undefined
  }
  for (const { path, size, pieces } of shares) {
    const copy = copyOf(pieces)
    if (copy) places.push({ files: { path, size, pieces: copy } })
  }
  for (const { content: { size }, pieces, have, layout, runs } of partials) {
    const copy = pieces && copyOf(pieces)
    if (copy === undefined) continue
    for (const path of new Set(runs.map((run) => run.path))) {
      const origin = runs.find((run) => run.path === path)?.originPiece ?? 0
      places.push({ files: { path, size, pieces: copy, start: 0 - layout.offsetOf(origin) }, have: have.toBytes() })
    }
  }
  return places
}
