/** Trackers that are looked for on this network, and whichever answers first of several addresses. */
import { chooseTracker } from '../discovery/choose.js'
import { findTrackers } from '../discovery/find.js'
import { dial } from '../net/dial.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { credentialsFor, type Secret } from '../secret/keys.js'

export interface Membership {
  secret?: Secret | undefined
  insecure: boolean
}

/** As a node that only looks whether somebody is there says that it is called; it never joins. */
const NAME = 'looker'

/** Undefined where none is found. @throws E_USAGE where there are several networks. */
export async function findTracker ({ secret, insecure }: Membership): Promise<Address | undefined> {
  const found = chooseTracker(await findTrackers({ wanted: secret?.current.id }), { id: secret?.current.id, oldId: secret?.old?.id, insecure })
  // Whoever answers may say what he likes: the handshake proves it.
  return found.length === 0 ? undefined : await firstToAnswer(found, secret).catch(() => undefined)
}

/** @throws E_TRACKER, which names them all; E_AUTH if one answers and has another secret. */
export async function firstToAnswer (addresses: readonly Address[], secret: Secret | undefined): Promise<Address> {
  const ending = new AbortController()
  const credentials = secret && { ...credentialsFor('control', secret), name: NAME }
  try {
    return await Promise.any(addresses.map(async (address) => {
      const socket = await dial({ ...address, credentials, signal: ending.signal })
      socket.destroy()
      return address
    }))
  } catch (cause) {
    const errors: unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
    const refused = errors.find((error) => error instanceof PiecemealError && error.code === 'E_AUTH')
    if (refused instanceof PiecemealError) throw new PiecemealError('E_AUTH', `${refused.message}: what answers there is another one than is meant; a ticket lives as long as its share`, { cause: refused })
    throw new PiecemealError('E_TRACKER', `nobody answers at ${addresses.map(formatAddress).join(', ')}: has that share or tracker ended, or is its machine behind a firewall?`, { cause })
  } finally {
    ending.abort()
  }
}
