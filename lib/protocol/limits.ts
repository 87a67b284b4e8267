/**
 * Every limit on what a stranger may use up, in one place. Sizes are bytes, times milliseconds
 * unless the name says otherwise; the table of them is in README.md beside this file.
 * Longer than 250 lines because it is that one place.
 */
import { KiB, MiB } from './units.js'

/** A request line, without its newline. */
export const REQUEST_LINE_BYTES = 64 * KiB
/** A reply line: room for the digests of 8,192 pieces in base64, which is 350 KiB. */
export const REPLY_LINE_BYTES = 1 * MiB
/** `{` and `[` inside one another in a message. */
export const JSON_DEPTH = 8

/**
 * Every wait that has an end, in milliseconds. Tracker and node take others as an option, which
 * tests set to a fraction of these; no command does.
 */
export const DEADLINES = {
  connectMs: 5_000,
  /** From the connection to the end of its TLS handshake, where there is a secret, absolute. */
  handshakeMs: 5_000,
  /** From the connection to its first whole line, absolute. */
  firstLineMs: 10_000,
  /** From the first byte of a line to its newline, and from a request to its reply. */
  messageMs: 10_000,
  /** How long a peer may leave a reply unread. */
  drainMs: 10_000,
  /** How long a peer that was refused may take to read why, before the connection is cut. */
  lingerMs: 1_000,
  /** The tracker asks for an `alive` this often (the wire speaks of seconds). */
  heartbeatMs: 20_000,
  /** A connection that says nothing for so long is dead. */
  presenceMs: 60_000,
  /** One attempt to reach a tracker that was lost, and the pauses between attempts. */
  reconnectMs: 4_000,
  reconnectMinMs: 500,
  reconnectMaxMs: 3_000,
  /** How long a command waits for a tracker that is away before it says `E_TRACKER`. */
  trackerWaitMs: 8_000,
  /** How long a download that begins asks again while the tracker's registry is away, before it says `E_REGISTRY`. */
  registryWaitMs: 10_000,
  /** A tracker whose registry is away for so long: a node that knows others tries one of them, once. */
  degradedMs: 30_000,
  /** No byte of a range for so long: the stream is given up. */
  dataStallMs: 15_000,
  /** How long a connection on which a range was sent is kept for another request. */
  moreMs: 10_000,
  /** A worker thread that gives no sign of life for so long is stuck: it is ended, its part tried again. */
  threadHangMs: 30_000,
  /** How long a download waits for an owner while nobody is listed. */
  ownerWaitMs: 30_000,
  /** How long a download tries on without a new byte while somebody is listed. */
  giveUpMs: 600_000,
  /** A version of a folder that was replaced goes on to answer so long after the last question for it. */
  keepOldMs: 3_600_000,
  /** How often a shared file that is gone is looked for. */
  missingLookMs: 60_000,
  /** How long a node that leaves waits for the uploads that run. */
  leaveMs: 5_000,
} as const

export type Deadlines = { [Name in keyof typeof DEADLINES]: number }

/** What a peer may still send after it was refused. */
export const LINGER_BYTES = 1 * MiB

/** What nobody has gone on with for so long is removed from a node's hidden folder. */
export const ORPHAN_MS = 7 * 24 * 60 * 60 * 1_000
/** How long the digest of a file is remembered that is not shared again. */
export const DIGEST_KEPT_MS = 90 * 24 * 60 * 60 * 1_000

export const CONNECTIONS = 4_096
/** Connections from one address that have not said who they are. */
export const UNKNOWN_CONNECTIONS_PER_ADDRESS = 64

/** How often the user is told that the same peer is refused for its secret. */
export const REFUSAL_PAUSE_MS = 60_000
/** So many refused peers are remembered; the user is told of no more than these. */
export const REFUSED_PEERS = 1_024

/** What tells one process of a node from another of that name. */
export const SESSION_BYTES = 16
/** How often, and within how long, a name may go from one connection to another of its session. */
export const HANDOVERS = 3
export const HANDOVERS_MS = 60_000
/** What a tracker says to a port, to hear it back from its owner. */
export const PROBE_BYTES = 16
/** Connections that a tracker tries to nodes, all of them together, how long each may take, and how often to one node. */
export const REACH_TRIES_AT_ONCE = 16
export const REACH_TRY_MS = 2_000
export const REACH_PAUSE_MS = 60_000
/** How many places a tracker tries for one node, and how long the node may take to prove that it is there. */
export const ADVERTISED_PER_MINUTE = 4
export const PROOF_MS = 10_000
/** What strangers can make a node say to its tracker. */
export const PROBES_PER_MINUTE = 4
/** So long a tracker is not told again of a share that it did not understand. */
export const REFUSED_SHARE_MS = 60 * 60 * 1_000
/** Earlier contents of a file that one record names. */
export const REPLACED_DIGESTS = 16
/** Versions of one folder that still answer after another has taken their place. */
export const KEPT_VERSIONS = 8

export const OWNERS_PER_REPLY = 50
/** Replies that a tracker keeps for the next who asks for the same file. */
export const ANSWERS_AT_HAND = 1_024
/** Contents of one name that a conflict lists. */
export const VERSIONS_PER_REPLY = 100
export const FILES_PER_REPLY = 1_000
export const SHARES_PER_NODE = 10_000
export const RECORDS_PER_TRACKER = 1_000_000

/** What a download wants free beside its bytes: for what the file system keeps of them, and for the piece that is glued at the moment. */
export const SPARE_ROOM_BYTES = 4 * MiB

export const DOWNLOADS_AT_ONCE = 8
/** Downloads that have stepped aside, because their owners do not answer. */
export const DOWNLOADS_ASIDE = 1_000
/** Threads of one node that fetch parts, all its downloads together. */
export const MAX_FETCH_THREADS = 8
export const UPLOAD_STREAMS = 64
/** Of these, to one node: as many as it has threads that fetch. */
export const UPLOAD_STREAMS_PER_DOWNLOADER = 8
/** Requests of one connection that wait for their answers. */
export const REQUESTS_UNDER_WAY = 64
/** With so many running a downloader that says it is patient is refused: few that are quick spread a file sooner than many that are slow. */
export const PATIENT_UPLOAD_STREAMS = 16
/** Files of which an owner remembers what it sent of them lately. */
export const CONTENTS_SENT_LATELY = 64
/** States of one shared file of which its owner remembers which pieces it has looked at. */
export const FILE_STATES = 8
/** Bytes a second that a node may be limited to: with less, streams would take turns so slowly that they look stalled. */
export const LEAST_RATE = 1 * KiB
/** Failures of one owner in a row, after which a download does not count on it any more. */
export const TRIES_PER_PART = 5

/** The content of a secret file, without its final newline. */
export const LEAST_SECRET_BYTES = 16
export const MOST_SECRET_BYTES = 4 * KiB

/** Of a node's control socket, which only its user can open. */
export const CONTROL_CONNECTIONS = 64
/** A line that a node answers there with: the status of all that it shares. */
export const CONTROL_ANSWER_BYTES = 16 * MiB

/** Trackers that are looked at of those that answer on a network, of our secret and of others, and of those that one machine names; and answers that are read. */
export const DISCOVERY_CANDIDATES = 16
export const DISCOVERY_CANDIDATES_OF_ONE = 4
/** Addresses that one of them names. */
export const DISCOVERY_HOSTS = 8
export const DISCOVERY_ANSWERS = 256
/** What one list of files is known by there. */
export const NET_BYTES = 8

/** What a ticket holds. */
export const MOST_TICKET_ADDRESSES = 8
export const TICKET_SECRET_BYTES = 16

export const FILE_NAME_BYTES = 255
export const NODE_NAME_CHARACTERS = 64
export const MIN_PIECE_BYTES = 1 * MiB
export const MAX_PIECES = 8_192

/** Files, links and empty folders in a folder. */
export const FOLDER_ENTRIES = 1_000_000
export const MANIFEST_BYTES = 128 * MiB
/** Of what is here already: digests of files that are looked at, and small files of folders whose digest is tried. */
export const HERE_DIGEST_BYTES = 64 * MiB
export const HERE_TRIES = 1_000
/** A line of a manifest: room for the digests of 8,192 pieces in base64, which is 350 KiB, and for a path. */
export const MANIFEST_LINE_BYTES = 512 * KiB
/** A path within a folder; what stands before it on a disk has the rest of what Linux takes. */
export const PATH_BYTES = 3_072
export const PATH_DEPTH = 64
export const OS_PATH_BYTES = 4_095
/** What a symbolic link leads to, as Linux has it; and how many links, and steps, it may take to get there. */
export const LINK_TARGET_BYTES = 4_095
export const LINKS_FOLLOWED = 40
export const LINK_STEPS = 4_096
/** Of all links of a folder: what strangers may make a node look up, each about a microsecond. */
export const LINK_STEPS_TOGETHER = 10_000_000
/** Ranges that one request asks for. */
export const RANGES_PER_REQUEST = 1_024
/**
 * What a part ends at, with pieces of unequal lengths: whichever comes first. So few bytes share a thread with other parts (`sharesThread`),
 * and while one part's files are taken out of it others come.
 */
export const PART_BYTES = 4 * MiB
export const PART_PIECES = 8_192

/** Connections to an HTTP port. */
export const HTTP_CONNECTIONS = 1_024
/** The request line and all headers together, and how many headers. */
export const HTTP_HEADER_BYTES = 16 * KiB
export const HTTP_HEADERS = 100
/** From the first byte of a request to the end of its headers, and then to the end of a body that is no file. */
export const HTTP_HEADERS_MS = 10_000
export const HTTP_BODY_MS = 10_000
export const HTTP_BODY_BYTES = 4 * KiB
/** A connection between two requests: longer than the pools of common proxies keep theirs. */
export const HTTP_IDLE_MS = 130_000
/** Wrong tokens from one address, and within how long; and so many such addresses are remembered. */
export const HTTP_FAILED_TRIES = 5
export const HTTP_FAILED_TRIES_MS = 60_000
export const HTTP_TRIED_ADDRESSES = 1_024
/** Logged-in browsers, and for how long. */
export const HTTP_SESSIONS = 1_024
export const HTTP_SESSION_MS = 12 * 60 * 60 * 1_000
/** How long the right to fetch one file lasts that a link brings along. */
export const HTTP_PASS_MS = 12 * 60 * 60 * 1_000

/** What a node reports of what goes on: how often, in milliseconds, how many downloads, in how many bytes, and of a digest its first ones. */
export const REPORT_MS = 2_000
export const REPORTED_DOWNLOADS = 8
export const REPORT_BYTES = 2 * KiB
export const REPORTED_DIGEST_BYTES = 8
/** A report that is older tells nothing. */
export const REPORT_KEPT_MS = 10_000
/** Open event streams of one page, all browsers together, and what one may leave unread. */
export const EVENT_STREAMS = 64
export const EVENT_STREAM_BYTES = 256 * KiB
/** Names that the page sorts and searches. */
export const FILES_ON_PAGE = 10_000
/** Nodes and downloads that it shows. */
export const NODES_ON_PAGE = 1_000
export const TRANSFERS_ON_PAGE = 100
/** How long whoever reads a file that comes waits for a piece; shorter than what proxies wait. */
export const READ_WAIT_MS = 45_000
/** How long the download of a file goes on that nobody reads any more. */
export const READ_LINGER_MS = 30_000
/** What was fetched to be read, unless `--cache` says otherwise; and into how many parts the free room is cut of which it may take one. */
export const CACHE_BYTES = 10 * 1_024 * MiB
export const CACHE_PARTS = 10
/** Files of which it is remembered for `READ_TITLE_MS` who has them. */
export const READ_TITLES = 1_024
export const READ_TITLE_MS = 1_000
/** Files that are fetched at once to be read. */
export const READS_COMING = 64
/** Manifests of folders elsewhere that are read, or remembered to be read in, by their bytes. */
export const READ_MANIFEST_BYTES = 2 * MANIFEST_BYTES
/** Contents whose SHA-256 is remembered. */
export const SHA256_REMEMBERED = 1_024

/** Ranges of one request over HTTP, joined where they overlap. */
export const HTTP_RANGES = 64
/** Requests that wait for an upload slot, and for how long. */
export const HTTP_WAITING = 1_024
export const HTTP_SLOT_WAIT_MS = 30_000
/** An HTTP client that takes nothing for so long has gone, or comes back with a range. */
export const HTTP_STALL_MS = 60_000
/** Without a byte of a file that is sent to us for so long it is given up. */
export const HTTP_IDLE_BODY_MS = 60_000
/** How long an answer waits for a SHA-256 that is being computed: it is there the next time. */
export const SHA256_WAIT_MS = 10_000
