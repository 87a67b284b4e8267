import type { Address } from '../protocol/address.js'
import type { Content, FolderExtent } from '../protocol/content.js'
import type { Version } from '../protocol/errors.js'
import type { Report } from '../protocol/node-to-tracker.js'
import type { Found, ListedFile, Owner } from '../protocol/tracker-to-node.js'
import type { TrackerSizes } from '../metrics/tracker-metrics.js'
import type { Place } from './reachability.js'

/** One node's word that it owns a content under a name, and where it listens. */
export interface OwnerRecord extends Content, FolderExtent, Place {
  filename: string
  complete: boolean
  /** Its file may be executed there. */
  executable?: boolean | undefined
  /** Of its gateway. */
  httpPort?: number | undefined
  /** It came by an upload of this node's. */
  origin?: boolean | undefined
  /** Digests of what this content takes the place of. */
  replaces?: readonly string[] | undefined
}

/** A connection's hold of a name. */
export interface Membership {
  /** Of the node's process. */
  session?: string | undefined
  /** A newer connection has taken the name. */
  onReplaced: () => void
}

/** A question for the owners of a file. */
export interface OwnerQuestion {
  filename: string
  /** The node that asks: it is never among its own answers. */
  asker: string
  /** `blake3:` and the first or all 64 hex digits; without it what is older is passed over. */
  digestPrefix?: string | undefined
}

export interface ListedContent extends ListedFile {
  /** When it was first announced, in seconds of the Unix clock. */
  since?: number
}

export interface Listing {
  files: ListedContent[]
  /** There were more than asked for. */
  truncated: boolean
}

/** What goes on at a node, as it has said lately. */
export interface NodeReport {
  name: string
  report: Report
}

/** What trackers that share a store tell each other of their nodes. While the store is away it is nothing. */
export interface SharedReports {
  /** Of this tracker's nodes, as often as they report. */
  tell: (own: Iterable<NodeReport>) => Promise<void>
  /** Of the nodes of all others that live. */
  others: () => Promise<NodeReport[]>
}

/**
 * Who owns what. One store may serve one tracker or several; a test suite in
 * `test/tracker/registry-conformance.ts` holds any implementation to this contract.
 *
 * A node's records exist from `have` to `withdraw` or `leave`; one node has one content under one name.
 */
export interface Registry {
  /** Whether its store is away: it answers from what is at hand, and takes what it is told. */
  readonly isDegraded: boolean
  /** 16 random hex digits that this list of files is known by, once it is open: trackers that share it say the same. */
  readonly net: string
  /** None where no other tracker shares it. */
  readonly reports?: SharedReports
  /** Before anything else. @throws E_REGISTRY if its store can't be used. */
  open: () => Promise<void>
  /** Where the tracker is, for people who look at a store that several share. */
  listens: (address: Address) => void
  /** After all nodes have left. */
  close: () => Promise<void>
  /**
   * Binds a name to a live connection. Where an older connection of the same session holds it, this one takes its place at once: what
   * the older one owned is forgotten, and it is told; it has left then, without a `leave` of its own.
   *
   * @throws E_NAME_TAKEN while another session's connection, or one without a session, holds it; or if it has changed hands three times
   * within 60 s: two processes of one session would take it from each other for ever.
   */
  join: (node: string, membership?: Membership) => Promise<void>
  /** Frees the name and forgets all that the node owned. Does nothing for a name that is free. */
  leave: (node: string) => Promise<void>
  /**
   * Adds the record, in the place of one the node had under that name.
   *
   * @throws E_LIMIT beyond 10,000 files a node, or 1,000,000 records.
   */
  have: (node: string, record: OwnerRecord) => Promise<void>
  /** The node's ports are elsewhere from now on: all its records say so. */
  move: (node: string, place: Place) => Promise<void>
  /** The node no longer owns that file. Does nothing if it did not. */
  withdraw: (node: string, filename: string) => Promise<void>
  /**
   * One content and at most 50 of its owners, complete ones first, otherwise in random order; `size`, `pieceLength`, `kind`, `files`
   * and `filesSize` as most of its complete owners give them; `replaces` what any of them says; `executable` with each owner that says so.
   *
   * A content is older if a record of another content under that name says that it replaces it, and no node has it as `origin`; but
   * where each is older than another, none is.
   *
   * @throws E_NO_OWNER if nobody but the asker has it; ConflictError if the name, with that digest, fits several contents; E_REGISTRY if
   * nobody is known who has it while the store is away.
   */
  owners: (question: OwnerQuestion) => Promise<Found>
  /** At most `most` files whose names begin so, one entry a content, `older` as above. */
  list: (prefix: string, most: number) => Promise<Listing>
  /** How much there is. */
  sizes: () => Promise<TrackerSizes>
  /** How many files a node shares that is connected here. */
  sharesOf: (node: string) => number
}

export type { Found, ListedFile, Owner, Version }
