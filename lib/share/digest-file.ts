/** The digest of a file, by as many threads as there are: each takes runs of pieces. */
import type { FileHandle } from 'node:fs/promises'
import { contentDigest, type PieceList } from '../content/digest.js'
import type { DigestTask } from '../disk/digest-pieces.js'
import { pieceCount, pieceLengthFor, type Content } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/units.js'

/** Digests a run of pieces, in a thread of its own where there is one. */
export type DigestPieces = (task: DigestTask) => Promise<PieceList>

/** Bytes of one run: large enough that handing it out costs nothing, small enough for progress to be seen. */
const RUN_BYTES = 64 * MiB

export interface DigestOptions {
  digestPieces: DigestPieces
  onProgress?: ((digestedBytes: number, size: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Digests `size` bytes from the file's beginning on. */
export async function digestFile (handle: FileHandle, size: number, { digestPieces, onProgress, signal }: DigestOptions): Promise<Content & { pieces: PieceList }> {
  const pieceLength = pieceLengthFor(size)
  const count = pieceCount({ size, pieceLength })
  const piecesPerRun = Math.max(1, Math.floor(RUN_BYTES / pieceLength))
  let digested = 0
  const runs = []
  for (let firstPiece = 0; firstPiece < count; firstPiece += piecesPerRun) {
    const endPiece = Math.min(count, firstPiece + piecesPerRun)
    runs.push({ fd: handle.fd, offset: 0, size, pieceLength, firstPiece, endPiece })
  }
  // All runs have settled before the caller may close the file under a thread.
  const results = await Promise.allSettled(runs.map(async (run) => {
    if (signal?.aborted) throw new PiecemealError('E_INTERRUPTED', 'the digest was stopped')
    const list = await digestPieces(run)
    digested += (run.endPiece - run.firstPiece) * pieceLength
    onProgress?.(Math.min(size, digested), size)
    return list
  }))
  const pieces = Buffer.concat(results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  }))
  return { size, pieceLength, digest: contentDigest(size, pieceLength, pieces), pieces }
}
