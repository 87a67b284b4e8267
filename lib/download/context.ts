import type { PieceList } from '../content/digest.js'
import type { NameTask, Naming } from '../disk/give-name.js'
import type { DigestTask } from '../disk/digest-pieces.js'
import type { PartTask, WholeFile } from '../part/part-task.js'
import type { ErrorCode } from '../protocol/errors.js'
import type { Content } from '../protocol/content.js'
import type { Deadlines } from '../protocol/limits.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { ClientCredentials, Purpose } from '../secret/keys.js'
import type { KeptTask } from '../tree/find-kept.js'
import type { Finished, FinishTask } from '../tree/finish-tree.js'
import type { MakeThreads } from '../tree/make-tree.js'
import type { MeasureTask, TreeSize } from '../tree/measure-tree.js'
import type { PublishThreads } from '../tree/publish-tree.js'
import type { TakenOver, TakeOverTask } from '../tree/take-over.js'
import type { Here, HereTask } from '../tree/take-from-here.js'
import type { UnpackTask } from '../tree/unpack.js'
import type { RateLimit } from '../threads/rate-limit.js'
import type { Slots } from './slots.js'
import type { Turn } from './turns.js'

/** Each as its function in `lib/tree` says. */
export interface TreeThreads extends PublishThreads, MakeThreads {
  findKept: (task: KeptTask) => Promise<Uint32Array>
  measureTree: (task: MeasureTask) => Promise<TreeSize>
  takeOver: (task: TakeOverTask) => Promise<TakenOver>
  unpack: (task: UnpackTask) => Promise<void>
  takeFromHere: (task: HereTask) => Promise<Uint32Array>
  finishTree: (task: FinishTask) => Promise<Finished>
}

/** What this node knows of what is on its disks. */
export interface HereAlready {
  /** Size and pieces of a file, by its digest, if they are known here. */
  contentOf: (found: Content) => Content & { pieces: PieceList } | undefined
  /** Where pieces may be. */
  places: () => Here[]
}

/** What a download needs of the node it runs in. */
export interface DownloadContext {
  /** The node's, as owners are told it. */
  name: string
  /** The absolute path that the file is to have. */
  target: string
  /** Where it lies once it has come, if it is to take the place of what has that path; a folder stays where it was put together. */
  arrived?: string | undefined
  /** Where it is put together, on the same file system. */
  hiddenFolder: string
  /** How a file gets its name there. */
  naming: Naming
  /** Whether all parts are written into one hidden file, each at its place; otherwise each into a file of its own. */
  inWindows: boolean
  /** Asks the tracker. @throws E_NO_OWNER, E_CONFLICT, E_TRACKER and the like. */
  findOwners: (filename: string, digest: string | undefined) => Promise<Found>
  /**
   * Fetches a part in a thread; a part that is all of its file gets its name there.
   *
   * @throws what the worker throws; E_WORKER if the thread died, or was ended by the signal.
   */
  fetchPart: (task: PartTask, signal: AbortSignal) => Promise<WholeFile | undefined>
  /** In a thread, as it waits for the disk. @throws E_EXISTS, E_DISK_FULL, E_IO. */
  giveName: (task: NameTask) => Promise<void>
  digestPieces: (task: DigestTask) => Promise<PieceList>
  /** What need not be fetched, if anything is known of that. */
  here?: HereAlready | undefined
  /** What is done about the tree of a folder, in threads. */
  trees: TreeThreads
  /** The parts that are fetched at once, shared by all downloads of the node. */
  slots: Slots
  /** Its turn among the downloads of the node. */
  turn: Turn
  /** A part has brought so many bytes, and ended, for this reason if before its end. */
  onPartEnd?: ((bytes: number, failure: ErrorCode | undefined) => void) | undefined
  deadlines: Deadlines
  /** The rate of all of them together. */
  down: RateLimit
  /** For owners' input and output ports; without them connections are plain. */
  credentials?: Record<Purpose, ClientCredentials> | undefined
}
