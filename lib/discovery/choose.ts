/** Which of the trackers that answered is meant: one of my secret, or without one the only open one, if that was said to be all right. */
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import type { Candidate } from './records.js'

export const NOT_FOUND = 'no tracker found here in 2 s (multicast does not cross VLANs, guest Wi-Fi, container bridges or most clusters): --tracker HOST:PORT, or a ticket'

export interface Mine {
  /** Of my secret, and of the one before it. */
  id?: string | undefined
  oldId?: string | undefined
  /** Whether a tracker without a secret will do. */
  insecure: boolean
}

/** All addresses of the network that is meant, of none if there is none. @throws E_USAGE, which lists them, if there are several. */
export function chooseTracker (candidates: readonly Candidate[], { id, oldId, insecure }: Mine): Address[] {
  const mine = candidates.filter((candidate) => id === undefined ? insecure && candidate.id === undefined : candidate.id === id || (oldId !== undefined && candidate.id === oldId))
  const nets = new Set(mine.map(({ net }) => net))
  if (nets.size > 1) throw new PiecemealError('E_USAGE', `there are ${nets.size} networks here, say which by --tracker: ${mine.map(({ hosts: [host = ''], port }) => formatAddress({ host, port })).join(', ')}`)
  return mine.flatMap(({ hosts, port }) => hosts.map((host) => ({ host, port })))
}
