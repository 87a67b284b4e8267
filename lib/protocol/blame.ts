/**
 * Whose fault a code is, as a download sees it: one table, from which all decisions follow of what
 * becomes of an owner, of a try, or of the download.
 *
 * The codes are those that arise on this machine. An owner may refuse with a few of them only
 * (owner-refusal.ts), so a code that is `ours` never comes off the wire.
 */
import type { ErrorCode } from './errors.js'

/**
 * `ours`: this machine's or this user's; another owner would not help.
 * `lied`: what the owner sent is not what it says it has.
 * `refused`: the owner has it no longer, or not for us.
 * `busy`: the owner will serve later.
 * `lost`: the network, or an owner that broke off; it may work the next time.
 * `tracker`: nothing is known about the owners.
 * `nobody`: somebody changed their mind.
 */
export type Blame = 'ours' | 'lied' | 'refused' | 'busy' | 'lost' | 'tracker' | 'nobody'

const BLAME: { readonly [Code in ErrorCode]: Blame } = {
  E_USAGE: 'ours',
  E_NO_OWNER: 'tracker',
  E_NOT_SHARED: 'refused',
  E_DIGEST: 'lied',
  E_CONFLICT: 'tracker',
  E_NETWORK: 'lost',
  E_IO: 'ours',
  E_PROTOCOL: 'lost',
  E_EXISTS: 'ours',
  E_IN_PROGRESS: 'ours',
  E_NAME: 'refused',
  E_FORBIDDEN: 'refused',
  E_PORT: 'ours',
  E_BUSY: 'busy',
  E_INTERRUPTED: 'nobody',
  E_WORKER: 'ours',
  E_AUTH: 'refused',
  E_LIMIT: 'ours',
  E_CHANGED: 'refused',
  E_NAME_TAKEN: 'ours',
  E_DISK_FULL: 'ours',
  E_TIMEOUT: 'lost',
  E_TRACKER: 'tracker',
  E_REGISTRY: 'tracker',
  E_INTERNAL: 'ours',
}

export function blameFor (code: ErrorCode): Blame {
  return BLAME[code]
}

/** Whether it is likely to work a little later, with the same owner. */
export function isWorthAnotherTry (code: ErrorCode): boolean {
  return BLAME[code] === 'lost' || BLAME[code] === 'busy'
}
