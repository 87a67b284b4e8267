/** What somebody reads of a folder without the rest of it: its manifest, or one of its files. It comes as a file of its own does. */
import { contentDigest, type PieceList } from '../content/digest.js'
import { FolderLayout } from '../content/layout.js'
import { Selection } from '../content/selection.js'
import { WantedFile, type Wanted } from '../content/wanted.js'
import type { Manifest } from '../manifest/manifest.js'
import { pieceLengthFor } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MANIFEST_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { Plan } from './find-piece-list.js'
import { piecesOf } from './wanted-entries.js'

export type Excerpt = 'manifest' | { manifest: Manifest, entry: number }

/** A file that comes: what it is by itself, and where owners have it. */
export interface Sought {
  content: Found
  wanted: Wanted
  /** Not known beforehand where there is only one. */
  pieces?: PieceList | undefined
}

/** @throws E_PROTOCOL if it is of no folder; E_LIMIT for a manifest that is too large. */
export function excerptOf ({ found, pieces }: Plan, excerpt: Excerpt): Sought {
  if (found.kind !== 'folder') throw new PiecemealError('E_PROTOCOL', `${quote(found.filename)} is no folder`)
  if (excerpt === 'manifest') {
    if (found.size > MANIFEST_BYTES) throw new PiecemealError('E_LIMIT', `the manifest of ${quote(found.filename)} has more than ${MANIFEST_BYTES} bytes`)
    return { content: found, wanted: new WantedFile(found, 'manifest'), pieces }
  }
  const { manifest, entry } = excerpt
  const wanted = new Selection(new FolderLayout(manifest.sizes), Uint32Array.of(entry))
  const list = piecesOf(manifest, wanted)
  const { layout: { size } } = wanted
  const pieceLength = pieceLengthFor(size)
  return { content: { ...found, kind: undefined, size, pieceLength, digest: contentDigest(size, pieceLength, list) }, wanted, pieces: list }
}
