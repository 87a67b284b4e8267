/** Times and bounds of a registry in Redis: milliseconds, unless the name says otherwise. */

/** All that a request waits for Redis, however many calls it takes. */
export const STORE_MS = 1_000
/** A tracker that is not heard of for so long is dead. */
export const LEASE_MS = 10_000
export const RENEW_MS = 3_000
/** Older news of its own lease a tracker does not go by: it may have been stopped meanwhile. */
export const TRUST_MS = 5_000
/** How often everything is quietly written anew, in case that a failover lost some. */
export const REWRITE_MS = 600_000
/** How long whoever sweeps has the lock, unless it says that it still does. */
export const SWEEP_LOCK_MS = 30_000
/** What is said of a tracker for people to read stays for so long. */
export const TOLD_MS = 70_000
/** What goes on at its nodes, for the pages of the others. */
export const REPORTS_BYTES = 256 * 1_024
/** Pauses between tries while Redis is away. */
export const RETRY_LEAST_MS = 500
export const RETRY_MOST_MS = 10_000

/** Calls under way when everything is written, or swept. */
export const WRITES_IN_FLIGHT = 500
/** The same when nobody waits for it. */
export const QUIET_WRITES_IN_FLIGHT = 32
/** The names are in so many parts. */
export const NAME_PARTS = 64

/** What is answered once is the answer for so long. */
export const SHARED_ANSWER_MS = 200
/** So long an answer is good enough while Redis is away, and so many are remembered. */
export const OLD_ANSWER_MS = 600_000
export const ANSWERS_REMEMBERED = 4_096
/** Owners that are drawn for an answer which many share, and where most of those were dead. */
export const OWNERS_DRAWN = 128
export const OWNERS_DRAWN_AGAIN = 1_000
/** Different things that owners say of one content: sizes, and what it replaces. */
export const MOST_CLAIMS = 32
/** Owners that are kept as they were read, since a node says the same of most of its files. */
export const OWNERS_AT_HAND = 16_384
