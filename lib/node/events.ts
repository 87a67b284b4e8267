/** What a node tells of itself, as plain data. Bytes are bytes, times are seconds, `file` is a file's name. */
import type { Address } from '../protocol/address.js'
import type { FilesReached } from '../download/folder.js'
import type { Waiting } from '../download/waiting.js'
import type { ErrorData } from '../protocol/errors.js'
import type { NodeLimits } from './options.js'

export interface NodeEvents {
  /** Both ports accept connections. */
  listening: [ListeningEvent]
  /** The tracker answers, or does so again; `announced` files are on its lists. */
  connected: [{ tracker: Address, announced: number }]
  /** The tracker is away; the node goes on trying. */
  lost: [{ tracker: Address } & ErrorData]
  /** The tracker could not connect to the ports, so that others may not be able to, either. Told once, until they can be reached. */
  unreachable: [{ input: Address, output: Address, tracker: Address }]
  /** A file is offered. */
  sharing: [SharingEvent]
  /** A file that was offered is no longer: it has changed. */
  withdrawn: [{ file: string } & ErrorData]
  /** A file of a folder is not what was announced, and not offered any more; the folder's other files are. `path` within the folder. */
  changed: [{ file: string, path: string }]
  /** A file is no longer offered, because its user said so. */
  unshared: [{ file: string }]
  /** A file that is offered was digested again, and has the same bytes. */
  verified: [VerifiedEvent]
  /** A download gets no byte: told when that begins, and then at most every 10 s. */
  waiting: [Waiting]
  /** Several times a second while a file is digested or downloaded. */
  progress: [ProgressEvent]
  /** A download is complete, and this node an owner. */
  saved: [SavedEvent]
  /** What the node can't do here, and its user should know; the node goes on. */
  warning: [{ message: string }]
  /** Something that no command is to blame for; the node goes on. */
  error: [Error]
  /** The ports are closed, and the node is off the tracker's lists. */
  left: [{ name: string }]
}

export interface ListeningEvent {
  name: string
  input: Address
  output: Address
}

export interface SharingEvent {
  file: string
  bytes: number
  digest: string
  /** False while the tracker is away: it is told as soon as it is back. */
  announced: boolean
  seconds: number
  /** How many files are in it, where it is a folder. */
  files?: number
}

export interface VerifiedEvent {
  file: string
  bytes: number
  digest: string
  seconds: number
}

export interface ProgressEvent extends Partial<FilesReached> {
  task: 'digest' | 'download'
  file: string
  /** So far. */
  bytes: number
  size: number
  /** Bytes a second over the last seconds. */
  rate: number
}

export interface SavedEvent {
  file: string
  bytes: number
  digest: string
  seconds: number
  owners: Array<{ name: string, bytes: number }>
  /** How many files, where it is a folder: `bytes` are those of its files. */
  files?: number
  /** How many of a folder's files, links and folders are not there, since nobody has them any more, or this disk can't hold them. */
  without?: number
  /** Bytes that an earlier, interrupted download had left. */
  resumed: number
  /** Bytes that were in other shares and downloads of this node, and were taken from there. */
  here: number
  /** Bytes in pieces of zeros, which nobody had to send. */
  zeros: number
  /** Where it is, absolute. */
  path: string
}

/** What a node is at. Rates are bytes a second. */
export interface NodeStatus {
  /** `missing`: gone, and looked for. */
  sharing: Array<{ file: string, bytes: number, digest: string, missing?: true, files?: number }>
  /** Downloads that run, and those that wait for their turn. */
  fetching: Fetching[]
  serving: Array<{ file: string, peer: string, bytes: number, size: number, rate: number }>
  tracker: { connected: boolean }
  limits: NodeLimits
}

export interface Fetching extends Partial<FilesReached> {
  file: string
  bytes: number
  size: number
  rate: number
  /** What it has waited for since its last byte came. */
  waitingFor?: Omit<Waiting, 'file'>
}
