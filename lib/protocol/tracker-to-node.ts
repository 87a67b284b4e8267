/** The tracker's replies, one to each request, in the order of the requests. */
import { isLoopback } from './address.js'
import * as check from './check.js'
import { isPieceLength } from './content.js'
import { ConflictError, isErrorCode, PiecemealError, type ErrorData, type Version } from './errors.js'
import { FILES_PER_REPLY, FOLDER_ENTRIES, OWNERS_PER_REPLY, REPLACED_DIGESTS } from './limits.js'
import type { TrackerMode } from './node-to-tracker.js'

const owner = {
  name: check.nodeName,
  host: check.string,
  inputPort: check.port,
  outputPort: check.port,
  httpPort: check.optional(check.port),
  complete: check.boolean,
  /** Its file may be executed there. */
  executable: check.optional(check.boolean),
}
const version = { digest: check.digest, size: check.bytes, owners: check.bytes }
const replaces = check.optional(check.array(check.digest, REPLACED_DIGESTS))
/** How many files a folder has, and their bytes together: hints, as size and kind are. */
const extent = { files: check.optional(check.integer(0, FOLDER_ENTRIES)), filesSize: check.optional(check.bytes) }
const listed = {
  filename: check.fileName,
  size: check.bytes,
  digest: check.digest,
  owners: check.bytes,
  replaces,
  /** A live record of another content says that it replaces this one, and nobody else is its origin. */
  older: check.optional(check.boolean),
  /** Any: what this version can't fetch may be listed all the same. */
  kind: check.optional(check.string),
  ...extent,
}

/** The tracker's registry is away: it says what it knows without it. */
const degraded = check.optional(check.literal(true))

const acknowledged = {
  ok: check.literal(true),
  interval: check.optional(check.integer(1, 3_600)),
  /** Whether the tracker could connect to both of the node's ports, once it has tried. */
  reachable: check.optional(check.boolean),
  /** What goes on at the node is wanted with its next `alive`, and every 2 s while something does. */
  reports: check.optional(check.boolean),
  degraded,
}
const found = {
  filename: check.fileName,
  size: check.bytes,
  digest: check.digest,
  pieceLength: check.bytes,
  owners: check.array(check.object(owner), OWNERS_PER_REPLY),
  replaces,
  /** When it was first announced, in seconds of the Unix clock. */
  since: check.optional(check.bytes),
  kind: check.optional(check.kind),
  ...extent,
  degraded,
}
const files = { files: check.array(check.object(listed), FILES_PER_REPLY), truncated: check.optional(check.boolean), degraded }

/** A node that has a file: where it listens, and whether it has all of it. */
export type Owner = check.Checked<typeof owner>
export type ListedFile = check.Checked<typeof listed>
export type Acknowledged = check.Checked<typeof acknowledged>
/** One content and its owners. */
export type Found = check.Checked<typeof found>
export type Files = check.Checked<typeof files>

export interface ReplyResults {
  have: Acknowledged
  exit: Acknowledged
  alive: Acknowledged
  need: Found
  list: Files
}

const SHAPES: { [Mode in TrackerMode]: check.Shape } = {
  have: acknowledged, exit: acknowledged, alive: acknowledged, need: found, list: files,
}

export function trackerReply<Mode extends TrackerMode> (mode: Mode, result: ReplyResults[Mode]): object {
  return { type: 'TrackerToNode', mode, ...result }
}

/** An owner's part of a reply, by the record that stays the same for as long as it owns the file. */
const encodedOwners = new WeakMap<Owner, Encoded<string>>()
/** Whole replies, for a registry that gives several askers the same one. */
const foundLines = new WeakMap<Found, Encoded<Buffer>>()

interface Encoded<T> {
  text: T
  /** Whether it names an owner at a loopback address, which on another machine would mean that machine. */
  hasLoopback: boolean
}

/**
 * The reply to `need` as a line of bytes. It is asked for most, with the same owners again and
 * again: to put it together from encoded ones takes a third of the time, to have it at hand next to none.
 *
 * @param here where the asker reaches owners that joined over loopback, if it is on another machine than they
 */
export function foundLine (found: Found, here?: string): Buffer {
  const { text, hasLoopback } = encodeFound(found)
  if (!hasLoopback || here === undefined) return text
  // Their gateways may be on loopback as well, where nobody else reaches them.
  const owners = found.owners.map(({ httpPort, ...owner }) => isLoopback(owner.host) ? { ...owner, host: here } : { ...owner, ...(httpPort !== undefined && { httpPort }) })
  return encodeFound({ ...found, owners }).text
}

function encodeFound (found: Found): Encoded<Buffer> {
  let line = foundLines.get(found)
  if (line === undefined) {
    const { owners, ...content } = found
    const head = JSON.stringify({ type: 'TrackerToNode', mode: 'need', ...content })
    const encoded = owners.map(encodeOwner)
    // Joined at once: one that grows is made of pieces, which are slow to write.
    const list = encoded.map(({ text }) => text).join()
    line = { text: Buffer.from(`${head.slice(0, -1)},"owners":[${list}]}\n`), hasLoopback: encoded.some(({ hasLoopback }) => hasLoopback) }
    foundLines.set(found, line)
  }
  return line
}

function encodeOwner (owner: Owner): Encoded<string> {
  let encoded = encodedOwners.get(owner)
  if (encoded === undefined) {
    encoded = { text: JSON.stringify(owner), hasLoopback: isLoopback(owner.host) }
    encodedOwners.set(owner, encoded)
  }
  return encoded
}

export function trackerRefusal (mode: unknown, error: ErrorData & { versions?: readonly Version[] }): object {
  const { code, message, versions } = error
  return { type: 'TrackerToNode', ...(typeof mode === 'string' && { mode }), error: { code, message }, ...(versions && { versions }) }
}

/**
 * The result of a request, checked.
 *
 * @throws what the tracker refused it with; E_PROTOCOL or E_NAME if the reply breaks the contract.
 */
export function parseTrackerToNode<Mode extends TrackerMode> (mode: Mode, value: Record<string, unknown>): ReplyResults[Mode] {
  if (value.type !== 'TrackerToNode') throw check.protocolError('"type" must be "TrackerToNode"')
  throwOnRefusal(value)
  if (value.mode !== mode) throw check.protocolError(`"mode" must be "${mode}"`)
  const result = check.checkShape(SHAPES[mode], value) as ReplyResults[Mode]
  if (mode === 'need' && !isPieceLength((result as Found).pieceLength, (result as Found).size)) {
    throw check.protocolError('"pieceLength" is not the one that the size has')
  }
  return result
}

/** @throws the error that a reply carries, if it carries one. */
function throwOnRefusal (value: Record<string, unknown>): void {
  if (value.error === undefined) return
  const { code, message } = check.checkShape({ code: check.string, message: check.string }, value.error)
  const short = message.slice(0, 1_000)
  if (code === 'E_CONFLICT' && value.versions !== undefined) {
    throw new ConflictError(short, check.array(check.object(version), FILES_PER_REPLY)(value.versions, 'versions'))
  }
  throw new PiecemealError(isErrorCode(code) ? code : 'E_PROTOCOL', short)
}
