/** One line each way on a node's output port; after the owner's come the bytes of the range, raw. */
import * as check from './check.js'
import type { ByteRange } from './content.js'
import type { ErrorData } from './errors.js'
import { PROBE_BYTES, RANGES_PER_REQUEST } from './limits.js'
import { throwOnOwnerRefusal } from './owner-refusal.js'

/** The word for a folder's manifest, in the place of its files. */
const MANIFEST = 'manifest'

const shape = {
  type: check.literal('FileCommunication'),
  filename: check.fileName,
  digest: check.digest,
  range: check.array(check.bytes, 2),
  ranges: check.optional(check.array(check.array(check.bytes, 2), RANGES_PER_REQUEST)),
  of: check.optional(check.literal(MANIFEST)),
  name: check.optional(check.nodeName),
  patient: check.optional(check.boolean),
  more: check.optional(check.boolean),
  probe: check.optional(check.hex(PROBE_BYTES)),
}

export interface FileCommunication {
  filename: string
  digest: string
  /** Of a file; of the files of a folder, one after the other, or of its manifest. With `ranges` their hull. */
  range: ByteRange
  /** Ascending, not touching, none empty: their bytes alone are asked for, or follow. */
  ranges?: ByteRange[]
  of?: typeof MANIFEST
  /** In a request: the node that asks. Nodes behind one address are told apart by it. */
  name?: string
  /** In a request: it may be refused while many others are served, and asks elsewhere then. */
  patient?: boolean
  /** In a request: another may follow on this connection. In a header: it may. */
  more?: boolean
  /** In a request of a tracker's: it wants to hear this from us by our own connection. */
  probe?: string
}

export function fileCommunication ({ filename, digest, range, ranges, of, name, patient, more, probe }: FileCommunication): object {
  return {
    type: 'FileCommunication',
    filename,
    digest,
    range: toWire(range),
    ...(ranges && { ranges: ranges.map(toWire) }),
    ...(of && { of }),
    ...(name !== undefined && { name }),
    ...(patient && { patient }),
    ...(more && { more }),
    ...(probe !== undefined && { probe }),
  }
}

export function fileRefusal ({ code, message }: ErrorData): object {
  return { type: 'FileCommunication', error: { code, message } }
}

/** What an owner is asked for. @throws E_PROTOCOL or E_NAME. */
export function parseFileRequest (value: Record<string, unknown>): FileCommunication {
  if (value.type !== 'FileCommunication') throw check.protocolError('"type" must be "FileCommunication"')
  return parseFields(value)
}

/** What it answers. @throws what the owner refused with; E_PROTOCOL or E_NAME. */
export function parseFileCommunication (value: Record<string, unknown>): FileCommunication {
  if (value.type !== 'FileCommunication') throw check.protocolError('"type" must be "FileCommunication"')
  throwOnOwnerRefusal(value)
  return parseFields(value)
}

function parseFields (value: Record<string, unknown>): FileCommunication {
  const { type: _type, range, ranges, ...rest } = check.checkShape(shape, value)
  const hull = fromWire(range, 'range')
  return { ...rest, range: hull, ...(ranges && { ranges: parseRanges(ranges, hull) }) }
}

function parseRanges (ranges: readonly number[][], hull: ByteRange): ByteRange[] {
  const parsed = ranges.map((range) => fromWire(range, 'ranges'))
  let last = -1
  for (const { start, end } of parsed) {
    if (start <= last || start === end) throw check.protocolError('"ranges" must be ascending, without one that is empty or touches another')
    last = end
  }
  if (parsed[0]?.start !== hull.start || last !== hull.end) throw check.protocolError('"range" must be the hull of "ranges"')
  return parsed
}

function fromWire ([start, end]: readonly number[], field: string): ByteRange {
  if (start === undefined || end === undefined || start > end) throw check.protocolError(`"${field}" must be [start, end], the end not before the start`)
  return { start, end }
}

function toWire ({ start, end }: ByteRange): [number, number] {
  return [start, end]
}
