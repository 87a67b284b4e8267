/** What a node says to its tracker. `name` binds the connection; the address is the connection's own. */
import * as check from './check.js'
import { isPieceLength } from './content.js'
import { FOLDER_ENTRIES, MANIFEST_BYTES, OWNERS_PER_REPLY, PROBE_BYTES, REPLACED_DIGESTS, REPORT_BYTES, REPORTED_DIGEST_BYTES, REPORTED_DOWNLOADS, SESSION_BYTES } from './limits.js'

const common = {
  type: check.literal('NodeToTracker'),
  name: check.nodeName,
  /** 16 random bytes of a process, hex: the same name with the same session takes the older connection's place. */
  session: check.optional(check.hex(SESSION_BYTES)),
}

const have = {
  ...common,
  mode: check.literal('have'),
  filename: check.fileName,
  size: check.bytes,
  digest: check.digest,
  pieceLength: check.bytes,
  inputPort: check.port,
  outputPort: check.port,
  /** Of its gateway, for whoever speaks HTTP only. */
  httpPort: check.optional(check.port),
  /** `folder`: `size` and `pieceLength` are its manifest's, `files` and `filesSize` how many files it has, and their bytes. */
  kind: check.optional(check.kind),
  files: check.optional(check.integer(0, FOLDER_ENTRIES)),
  filesSize: check.optional(check.bytes),
  complete: check.optional(check.boolean),
  /** The owner may execute its file: its own field, no part of the content. */
  executable: check.optional(check.boolean),
  /** The content came by an upload, not by a download. */
  origin: check.optional(check.boolean),
  /** Digests of what this node had uploaded under that name before. */
  replaces: check.optional(check.array(check.digest, REPLACED_DIGESTS)),
  /** `HOST` or `HOST:INPUT:OUTPUT`: where others reach the node, where that is not where it comes from. */
  advertise: check.optional(check.string),
}
const need = {
  ...common,
  mode: check.literal('need'),
  filename: check.fileName,
  digest: check.optional(check.digestQuestion),
  /** Whoever asks counts as an owner as well: it wants to know what is said of what it has. */
  own: check.optional(check.boolean),
}
const exit = { ...common, mode: check.literal('exit'), filename: check.optional(check.fileName) }
const list = { ...common, mode: check.literal('list'), prefix: check.optional(check.string) }
/** `[filename, digest, bytes, size, rate, [[owner, rate], …]]`; of the digest the first 16 hex digits, rates in bytes a second. */
const reportedDownload = check.tuple<[string, string, number, number, number, Array<[string, number]>]>(
  check.fileName, check.hex(REPORTED_DIGEST_BYTES), check.bytes, check.bytes, check.bytes, check.array(check.tuple<[string, number]>(check.nodeName, check.bytes), OWNERS_PER_REPLY)
)
/** What goes on at a node: what it fetches from whom, and how fast it sends. */
const report = { down: check.array(reportedDownload, REPORTED_DOWNLOADS), up: check.bytes }
const alive = {
  ...common,
  mode: check.literal('alive'),
  probe: check.optional(check.hex(PROBE_BYTES)),
  advertise: check.optional(check.string),
  report: check.optional(check.object(report)),
}

export type Have = check.Checked<typeof have>
export type Need = check.Checked<typeof need>
export type Exit = check.Checked<typeof exit>
export type List = check.Checked<typeof list>
export type Alive = check.Checked<typeof alive>
export type Report = check.Checked<typeof report>
export type ReportedDownload = Report['down'][number]
export type NodeToTracker = Have | Need | Exit | List | Alive
export type TrackerMode = NodeToTracker['mode']

const SHAPES = new Map<unknown, check.Shape>(Object.entries({ have, need, exit, list, alive }))

/** @throws E_PROTOCOL for anything but one of the five modes in full, E_NAME for a bad name. */
export function parseNodeToTracker (value: Record<string, unknown>): NodeToTracker {
  const { type, mode } = value
  if (type !== 'NodeToTracker') throw check.protocolError('"type" must be "NodeToTracker"')
  const shape = SHAPES.get(mode)
  if (shape === undefined) throw check.protocolError('"mode" must be have, need, exit, list or alive')
  const message = check.checkShape(shape, value) as NodeToTracker
  if (message.mode === 'have' && !isPieceLength(message.pieceLength, message.size)) {
    throw check.protocolError('"pieceLength" must be the smallest power of two, 1 MiB at the least, that gives no more than 8192 pieces')
  }
  if (message.mode === 'have' && message.kind !== undefined && message.size > MANIFEST_BYTES) throw check.protocolError(`"size" of a manifest must be ${MANIFEST_BYTES} at most`)
  return message
}

/** As much of a report as may be said: the first downloads. */
export function reportThatFits ({ down, up }: Report): Report {
  const first = down.slice(0, REPORTED_DOWNLOADS)
  while (first.length > 0 && Buffer.byteLength(JSON.stringify({ down: first, up })) > REPORT_BYTES) first.pop()
  return { down: first, up }
}
