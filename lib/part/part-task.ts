/** What the main thread and a worker that fetches a part say to each other. */
import type { PieceList } from '../content/digest.js'
import type { Naming } from '../disk/give-name.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { UntoldFile } from '../disk/untold-file.js'
import type { Address } from '../protocol/address.js'
import type { ByteRange, Content } from '../protocol/content.js'
import type { Deadlines } from '../protocol/limits.js'
import { MiB } from '../protocol/units.js'
import type { ClientCredentials } from '../secret/keys.js'

export interface PartTask extends Content {
  filename: string
  /** The asking node's. */
  name: string
  owner: Address
  /** For the owner's output port; without them the connection is plain. */
  credentials?: ClientCredentials | undefined
  /** The part: the pieces from here to `endPiece`, exclusive. */
  firstPiece: number
  endPiece: number
  /** Where each of them begins among the bytes that are wanted, and one more: where the last one ends. */
  offsets: Float64Array
  /** Where its owner has them: ascending, not touching, one at least. */
  ranges: readonly ByteRange[]
  /** Left out: of the content itself. */
  of?: 'manifest' | undefined
  /** Whether the owner may refuse it while it serves many others. */
  isPatient: boolean
  /** The digests of those pieces, 32 bytes each; none for the only piece of a content. */
  pieces: Uint8Array | undefined
  /** What it is written to: a file, or the tree that `files` are in. */
  path: string
  /** Of a folder's part that goes to its files at once. */
  files?: PartFiles | undefined
  /** Which of the bytes that are wanted stands at the beginning of that file. */
  origin: number
  /** Whether the file is there and others write to it as well; otherwise it is a part file, and made. */
  isWindow: boolean
  /** Whether nothing was ever written there, so that zeros need not be, either. */
  isBlank: boolean
  /** For the only piece of a content: the path that its file is to have in the end. */
  target?: string | undefined
  /** How it gets it. */
  naming: Naming
  /** Whether its file is to be executable. */
  isExecutable?: boolean | undefined
  /** Files that may have got that name already, from threads that died before they could tell. */
  untold?: readonly UntoldFile[] | undefined
  control: SharedArrayBuffer
  deadlines: Pick<Deadlines, 'connectMs' | 'firstLineMs' | 'dataStallMs'>
  /** Of the `RateLimit` on what comes in. */
  down: SharedArrayBuffer
}

/** Files of a tree that a part has bytes of, one after the other: each from its beginning on, but for the first. */
export interface PartFiles {
  paths: readonly string[]
  /** How many of its bytes each has. */
  bytes: Float64Array
  /** Where they begin in the first. */
  offset: number
}

/** The file of a content of one piece as its thread has left it: on the disk and under its name, its folder yet to be synced. */
export interface WholeFile {
  pieces: PieceList
  identity: FileIdentity
}

/** Files of one piece, and what nodes of a swarm give each other: over in a moment. */
const SHARED_PART_BYTES = 4 * MiB

/**
 * Whether a part may share its thread with others: to start a thread takes a processor longer than
 * many small parts do. The pool goes by it when it hands a part out, and the part when it takes a buffer.
 */
export function sharesThread ({ offsets }: Pick<PartTask, 'offsets'>): boolean {
  return (offsets.at(-1) ?? 0) - (offsets[0] ?? 0) <= SHARED_PART_BYTES
}
