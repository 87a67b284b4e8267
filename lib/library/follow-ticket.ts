/** From a ticket to what it is about: the network it leads to, and what is to be fetched there. */
import type { Node } from '../node/node.js'
import { PiecemealError } from '../protocol/errors.js'
import { deriveKeys } from '../secret/keys.js'
import { addressesIn, ticketDigest, type Ticket } from '../secret/ticket.js'
import { firstToAnswer, type Membership } from './find-tracker.js'
import type { Address } from '../protocol/address.js'

/** What is to be fetched. */
export interface Wanted {
  name: string
  digest?: string | undefined
}

/** @throws E_TRACKER, E_AUTH if that share has ended. */
export async function networkOf (ticket: Ticket): Promise<Membership & { trackers: Address[] }> {
  const secret = { current: deriveKeys(ticket.secret) }
  return { trackers: [await firstToAnswer(addressesIn(ticket), secret)], secret, insecure: false }
}

/** All that is listed at its tracker, which is nothing else than what the ticket is about. @throws E_NO_OWNER, E_DIGEST. */
export async function itemsOf (ticket: Ticket, node: Node): Promise<Wanted[]> {
  const { files } = await node.list()
  if (files.length === 0) throw new PiecemealError('E_NO_OWNER', 'nothing is shared there at the moment: has that share just ended?')
  const one = files.filter((file) => ticketDigest([file]).equals(ticket.digest))
  const chosen = one.length === 1 ? one : files
  if (!ticketDigest(chosen).equals(ticket.digest)) throw new PiecemealError('E_DIGEST', 'what is shared there is not what the ticket is about')
  return chosen.map(({ filename, digest }) => ({ name: filename, digest }))
}

/** A name for several is a folder. */
export function goingTo (to: string | undefined, wanted: readonly Wanted[]): string | undefined {
  return to !== undefined && wanted.length > 1 && !to.endsWith('/') ? `${to}/` : to
}
