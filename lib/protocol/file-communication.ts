/** One line each way on a node's output port; after the owner's come the bytes of the range, raw. */
import * as check from './check.js'
import type { ByteRange } from './content.js'
import type { ErrorData } from './errors.js'
import { PROBE_BYTES } from './limits.js'
import { throwOnOwnerRefusal } from './owner-refusal.js'

const shape = {
  type: check.literal('FileCommunication'),
  filename: check.fileName,
  digest: check.digest,
  range: check.array(check.bytes, 2),
  name: check.optional(check.nodeName),
  patient: check.optional(check.boolean),
  more: check.optional(check.boolean),
  probe: check.optional(check.hex(PROBE_BYTES)),
}

export interface FileCommunication {
  filename: string
  digest: string
  range: ByteRange
  /** In a request: the node that asks. Nodes behind one address are told apart by it. */
  name?: string
  /** In a request: it may be refused while many others are served, and asks elsewhere then. */
  patient?: boolean
  /** In a request: another may follow on this connection. In a header: it may. */
  more?: boolean
  /** In a request of a tracker's: it wants to hear this from us by our own connection. */
  probe?: string
}

export function fileCommunication ({ filename, digest, range, name, patient, more, probe }: FileCommunication): object {
  return {
    type: 'FileCommunication', filename, digest, range: [range.start, range.end], ...(name !== undefined && { name }), ...(patient && { patient }), ...(more && { more }), ...(probe !== undefined && { probe }),
  }
}

export function fileRefusal ({ code, message }: ErrorData): object {
  return { type: 'FileCommunication', error: { code, message } }
}

/** A request or a header. @throws what the owner refused with; E_PROTOCOL or E_NAME. */
export function parseFileCommunication (value: Record<string, unknown>): FileCommunication {
  if (value.type !== 'FileCommunication') throw check.protocolError('"type" must be "FileCommunication"')
  throwOnOwnerRefusal(value)
  const { filename, digest, range, name, patient, more, probe } = check.checkShape(shape, value)
  const [start, end] = range
  if (start === undefined || end === undefined || start > end) throw check.protocolError('"range" must be [start, end], the end not before the start')
  return { filename, digest, range: { start, end }, ...(name !== undefined && { name }), ...(patient && { patient }), ...(more && { more }), ...(probe !== undefined && { probe }) }
}
