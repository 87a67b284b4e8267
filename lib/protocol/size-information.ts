/** "How large is it, and what are its pieces?", asked and answered on a node's input port. */
import type { Buffer } from 'node:buffer'
import * as check from './check.js'
import { isPieceLength, PIECE_DIGEST_BYTES, pieceCount, type Content } from './content.js'
import { MANIFEST_BYTES, PROBE_BYTES } from './limits.js'
import { throwOnOwnerRefusal } from './owner-refusal.js'
import type { ErrorData } from './errors.js'

const question = {
  type: check.literal('SizeInformation'),
  filename: check.fileName,
  digest: check.optional(check.digest),
  size: check.literal(-1),
  pieces: check.optional(check.boolean),
  sent: check.optional(check.boolean),
  probe: check.optional(check.hex(PROBE_BYTES)),
}
const answer = {
  type: check.literal('SizeInformation'),
  filename: check.fileName,
  digest: check.digest,
  size: check.bytes,
  pieceLength: check.bytes,
  pieces: check.optional(check.base64),
  have: check.optional(check.base64),
  sent: check.optional(check.base64),
  final: check.optional(check.boolean),
  kind: check.optional(check.kind),
}

export type SizeQuestion = check.Checked<typeof question>

/**
 * `pieces`: the piece digests, 32 bytes each, in order, left out where the question said so; of a folder those of its manifest.
 * `have`: only from an owner that is not complete, one bit a piece, the first in the highest bit; of a folder its own pieces, whose
 *   number is known to whoever has the manifest.
 * `sent`: what a complete owner gave away lately, coded as `have`, where the question asked for it.
 * `final`: beside `have`: no more will come.
 */
export interface SizeAnswer extends Content {
  filename: string
  pieces?: Buffer
  have?: Buffer
  sent?: Buffer
  final?: boolean
}

/** @throws E_PROTOCOL or E_NAME. */
export function parseSizeQuestion (value: Record<string, unknown>): SizeQuestion {
  return check.checkShape(question, value)
}

export function sizeQuestion (filename: string, digest: string): SizeQuestion {
  return { type: 'SizeInformation', filename, digest, size: -1 }
}

export function sizeAnswer ({ pieces, have, sent, ...rest }: SizeAnswer): object {
  return {
    type: 'SizeInformation',
    ...rest,
    ...(pieces && { pieces: pieces.toString('base64') }),
    ...(have && { have: have.toString('base64') }),
    ...(sent && { sent: sent.toString('base64') }),
  }
}

export function sizeRefusal ({ code, message }: ErrorData): object {
  return { type: 'SizeInformation', error: { code, message } }
}

/** @throws what the owner refused with; E_PROTOCOL if the answer's fields do not fit one another. */
export function parseSizeAnswer (value: Record<string, unknown>): SizeAnswer {
  if (value.type !== 'SizeInformation') throw check.protocolError('"type" must be "SizeInformation"')
  throwOnOwnerRefusal(value)
  const result = check.checkShape(answer, value)
  if (!isPieceLength(result.pieceLength, result.size)) throw check.protocolError('"pieceLength" is not the one that the size has')
  const count = pieceCount(result)
  if (result.pieces && result.pieces.length !== count * PIECE_DIGEST_BYTES) {
    throw check.protocolError(`"pieces" must be the base64 of ${count} digests`)
  }
  if (result.kind !== undefined) {
    if (result.size > MANIFEST_BYTES) throw check.protocolError(`"size" of a manifest must be ${MANIFEST_BYTES} at most`)
    return result
  }
  for (const field of ['have', 'sent'] as const) {
    const bits = result[field]
    if (bits && bits.length !== Math.ceil(count / 8)) throw check.protocolError(`"${field}" must be the base64 of ${count} bits`)
  }
  return result
}
