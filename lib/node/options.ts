/** What a node is given. */
import type { Address, AdvertisedAddress } from '../protocol/address.js'
import type { Deadlines } from '../protocol/limits.js'
import type { Secret } from '../secret/keys.js'

export interface NodeOptions {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`, a letter or digit first. */
  name: string
  /** One, or several that share a registry: any of them will do, and when it is lost another one. @default 127.0.0.1:12340 */
  tracker?: Address | readonly Address[]
  /** The folder that holds one folder a node; this one's files are in `dir/name`. @default 'node_files' */
  dir?: string
  /** The folder of its files itself, in the place of `dir/name`. */
  folder?: string | undefined
  /**
   * To work in a folder that is not its own, beside others: it takes no lock but on what it downloads, and leaves nothing there.
   * All downloads go to that folder, and nothing is remembered. @default false
   */
  isGuest?: boolean | undefined
  /** A folder where digests are remembered, of all nodes of one user. @default the node's own hidden folder */
  digestsIn?: string | undefined
  /** To share after a restart what was shared before; and to try a name that is taken again, for 90 s. @default false */
  remember?: boolean | undefined
  /** What both ports listen on: an address, or a name, which stands for all of its addresses that this machine has. @default '127.0.0.1' */
  host?: string
  /** Port for control messages; 0 for any free one. @default 0 */
  inputPort?: number
  /** Port for file data; 0 for any free one. @default 0 */
  outputPort?: number
  /** Bytes a second of file data that go out at most, at least 1024. @default no limit */
  up?: number | undefined
  /** Bytes a second of file data that come in at most, at least 1024. @default no limit */
  down?: number | undefined
  /** The secret of the network: with it every connection, in or out, is encrypted and both its ends have shown that they know it. */
  secret?: Secret | undefined
  /** Without a secret, to listen beyond the loopback all the same. @default false */
  insecure?: boolean | undefined
  /** Where others reach it, if that is not where it listens. */
  advertise?: AdvertisedAddress | undefined
  /** A download that has had no new byte for so long is given up. @default 10 minutes */
  giveUpMs?: number | undefined
  /** How long a version of a folder that was replaced goes on to answer after the last question for it. @default an hour */
  keepOldMs?: number | undefined
  /** Whether parts have files of their own, which are glued, even where they could be written at their places in one. @default false */
  separateParts?: boolean
  /** Tells a tracker that wants to know what is fetched and sent here. @default true */
  isReporting?: boolean | undefined
  /** Bytes that files take at most which were fetched to be read, and are not shared. @default 10 GiB, and at most a tenth of the free room */
  cacheBytes?: number | undefined
  /** Whether what is fetched to be read is kept and shared, as if it had been downloaded. @default false */
  keepsRead?: boolean | undefined
  /** Waits other than those of the contract, for tests. */
  deadlines?: Partial<Deadlines> | undefined
}

/** Bytes a second; left out where there is no limit. */
export interface NodeLimits {
  up?: number
  down?: number
}

/** How a file or folder is shared; {@link Node.upload} says what each means. */
export interface UploadOptions {
  as?: string | undefined
  times?: boolean | undefined
  skipSpecial?: boolean | undefined
  allowShrink?: boolean | undefined
}

/** What of it is fetched, and to where; {@link Node.download} says what each means. */
export interface FetchOptions {
  digest?: string | undefined
  to?: string | undefined
  only?: readonly string[] | undefined
  skipMissing?: boolean | undefined
  update?: boolean | undefined
  allowShrink?: boolean | undefined
}
