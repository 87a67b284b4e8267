/** Which of the trackers that answered is meant: those of my secret, or without one the only open one, if that was said to be all right. */
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import type { Candidate } from './records.js'

const NOT_FOUND = 'no tracker found here in 2 s (multicast does not cross VLANs, guest Wi-Fi, container bridges or most clusters): --tracker HOST:PORT, or a ticket'
/** Of those that are not meant, in a message. */
const MOST_NAMED = 4

export interface Mine {
  /** Of my secret, and of the one before it. */
  id?: string | undefined
  oldId?: string | undefined
  /** Whether a tracker without a secret will do. */
  insecure: boolean
}

/** Those that say that they are meant. */
export function claimantsOf (candidates: readonly Candidate[], { id, oldId, insecure }: Mine): Candidate[] {
  return candidates.filter((candidate) => id === undefined ? insecure && candidate.id === undefined : candidate.id === id || (oldId !== undefined && candidate.id === oldId))
}

/** All addresses of the network that is meant, of none if there is none. @param proven those that are what they say @throws E_USAGE, which lists them, if there are several networks. */
export function chooseTrackers (proven: readonly Candidate[]): Address[] {
  const nets = new Map(proven.map((candidate) => [candidate.net, nameOf(candidate)]))
  if (nets.size > 1) throw new PiecemealError('E_USAGE', `there are ${nets.size} networks here, say which by --tracker: ${[...nets.values()].join(', ')}`)
  return proven.flatMap(({ hosts, port }) => hosts.map((host) => ({ host, port })))
}

/** What to do where none is meant: most often one is there, and a word is missing. */
export function whyNotFound (candidates: readonly Candidate[], mine: Mine): string {
  const claimants = new Set(claimantsOf(candidates, mine))
  const others = candidates.filter((candidate) => !claimants.has(candidate)).slice(0, MOST_NAMED)
  if (claimants.size > 0) return `what says here that it is our tracker is not, or can't be reached: ${[...claimants].slice(0, MOST_NAMED).map(nameOf).join(', ')}; --tracker HOST:PORT, or a ticket`
  if (others.length === 0) return NOT_FOUND
  const remedy = (candidate: Candidate): string => {
    if (candidate.id === undefined) return mine.id === undefined ? 'without a secret: --insecure takes it' : 'without a secret'
    return mine.id === undefined ? 'with a secret: --secret-file F' : `with another secret: its id is ${candidate.id}, yours ${mine.id}`
  }
  return `no tracker of ours found here in 2 s, but ${others.map((candidate) => `${nameOf(candidate)} (${remedy(candidate)})`).join(', ')}; --tracker HOST:PORT, or a ticket`
}

function nameOf ({ hosts: [host = ''], port }: Candidate): string {
  return formatAddress({ host, port })
}
