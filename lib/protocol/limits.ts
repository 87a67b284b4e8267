/**
 * Every limit on what a stranger may use up, in one place. Sizes are bytes, times milliseconds
 * unless the name says otherwise; the numbers are the wire contract's (README, "Limits").
 */
import { KiB, MiB } from './units.js'

/** A request line, without its newline. */
export const REQUEST_LINE_BYTES = 64 * KiB
/** A reply line: room for the digests of 8,192 pieces in base64, which is 350 KiB. */
export const REPLY_LINE_BYTES = 1 * MiB
/** `{` and `[` inside one another in a message. */
export const JSON_DEPTH = 8

export const CONNECT_MS = 5_000
/** From the connection to the end of its TLS handshake, where there is a secret, absolute. */
export const HANDSHAKE_MS = 5_000
/** From the connection to its first whole line, absolute. */
export const FIRST_LINE_MS = 10_000
/** From the first byte of a line to its newline, and from a request to its reply. */
export const MESSAGE_MS = 10_000
/** How long a peer may leave a reply unread. */
export const DRAIN_MS = 10_000

/** The tracker asks for an `alive` this often (the wire speaks of seconds). */
export const HEARTBEAT_MS = 20_000
/** A connection that says nothing for so long is dead. */
export const PRESENCE_MS = 60_000
export const RECONNECT_MIN_MS = 500
export const RECONNECT_MAX_MS = 10_000
/** How long a command waits for a tracker that is away before it says `E_TRACKER`. */
export const TRACKER_WAIT_MS = 8_000

/** No byte of a range for so long: the stream is given up. */
export const DATA_STALL_MS = 15_000
/** A worker thread that gives no sign of life for so long is stuck: it is ended, its part tried again. */
export const THREAD_HANG_MS = 30_000
/** What nobody has gone on with for so long is removed from a node's hidden folder. */
export const ORPHAN_MS = 7 * 24 * 60 * 60 * 1_000
/** How long a node that leaves waits for the uploads that run. */
export const LEAVE_MS = 5_000

export const CONNECTIONS = 4_096
/** Connections from one address that have not said who they are. */
export const UNKNOWN_CONNECTIONS_PER_ADDRESS = 64

/** A peer that is refused for its secret is told of this often. */
export const REFUSAL_PAUSE_MS = 60_000
/** So many of them are remembered; more are refused without a word. */
export const REFUSED_PEERS = 1_024

export const OWNERS_PER_REPLY = 50
/** Contents of one name that a conflict lists. */
export const VERSIONS_PER_REPLY = 100
export const FILES_PER_REPLY = 1_000
export const SHARES_PER_NODE = 10_000
export const RECORDS_PER_TRACKER = 1_000_000

export const DOWNLOADS_AT_ONCE = 8
/** Threads of one node that fetch parts, all its downloads together. */
export const MAX_FETCH_THREADS = 8
export const UPLOAD_STREAMS = 64
/** Of these, to one node: as many as it has threads that fetch. */
export const UPLOAD_STREAMS_PER_DOWNLOADER = 8
/** With so many running a downloader that says it is patient is refused: few that are quick spread a file sooner than many that are slow. */
export const PATIENT_UPLOAD_STREAMS = 16
/** Files of which an owner remembers what it sent of them lately. */
export const CONTENTS_SENT_LATELY = 64
/** Bytes a second that a node may be limited to: with less, streams would take turns so slowly that they look stalled. */
export const LEAST_RATE = 1 * KiB
/** Tries of one part before its download fails. */
export const TRIES_PER_PART = 5

/** The content of a secret file, without its final newline. */
export const LEAST_SECRET_BYTES = 16
export const MOST_SECRET_BYTES = 4 * KiB

export const FILE_NAME_BYTES = 255
export const NODE_NAME_CHARACTERS = 64
export const MIN_PIECE_BYTES = 1 * MiB
export const MAX_PIECES = 8_192
