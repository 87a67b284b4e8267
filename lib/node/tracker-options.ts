/** What a connection to a tracker is made with. */
import type { Address, AdvertisedAddress } from '../protocol/address.js'
import type { Deadlines } from '../protocol/limits.js'
import type { NodeToTracker, TrackerMode } from '../protocol/node-to-tracker.js'
import type { ClientCredentials } from '../secret/keys.js'

/** A request without what every request has. */
export type Question<Mode extends TrackerMode> = Omit<Extract<NodeToTracker, { mode: Mode }>, 'type' | 'mode' | 'name'>

export interface TrackerConnectionOptions {
  /** Any of several will do. */
  tracker: Address | readonly Address[]
  /** The node's name. */
  name: string
  /** The addresses that the node's ports listen on; the tracker tells others the one we come from. */
  hosts: () => readonly string[]
  /** Where others reach the node, if that is another place. */
  advertise?: AdvertisedAddress | undefined
  /** For the tracker's port; without them the connection is plain. */
  credentials?: ClientCredentials | undefined
  deadlines: Deadlines
  /** What tells the tracker that another connection is of the same node. @default another one each time */
  session?: (() => string | undefined) | undefined
  /** How long a name that is taken is tried again at the start, in milliseconds. @default 500 */
  nameWaitMs?: number | undefined
  /** As of a heartbeat, for tests. */
  hasSlept?: (() => boolean) | undefined
  /** All that is to be announced on a new connection. */
  announcements: () => Array<Question<'have'>>
}
