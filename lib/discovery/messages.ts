/** Between a process and its thread that speaks multicast DNS. Plain data. */
import type { Advertised, Candidate } from './records.js'

export interface DiscoveryThreadData {
  /** What is said of a tracker of ours, and where it listens: everywhere, if left out. */
  advertise?: Advertised & { hosts?: readonly string[] }
  /** The id of the secret that is looked for; trackers without one otherwise. */
  wanted?: string | undefined
}

export type DiscoveryMessage =
  | { found: Candidate }
  /** An interface that can't be used. */
  | { warning: string }
  /** Nothing is heard or said on any interface. */
  | { failed: string }
