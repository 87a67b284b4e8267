/** Trackers that are looked for on this network, and whichever answers first of several addresses. */
import { chooseTrackers, claimantsOf, whyNotFound } from '../discovery/choose.js'
import { findTrackers } from '../discovery/find.js'
import type { Candidate } from '../discovery/records.js'
import { dial } from '../net/dial.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { credentialsFor, type ClientCredentials, type Secret } from '../secret/keys.js'

export interface Membership {
  secret?: Secret | undefined
  insecure: boolean
}

export interface LookedAround {
  /** Of the one network that is meant; none if there is none. */
  trackers: Address[]
  /** What to do where there is none. */
  whyNot: string
}

/** As a node that only looks whether somebody is there says that it is called; it never joins. */
const NAME = 'looker'
/** On a network of our own. */
const PROOF_MS = 1_500
/** After the first that is what it says: another would have to be about as fast. */
const OTHERS_MS = 300

/** @throws E_USAGE where there are several networks. */
export async function lookAround ({ secret, insecure }: Membership): Promise<LookedAround> {
  const mine = { id: secret?.current.id, oldId: secret?.old?.id, insecure }
  const candidates = await findTrackers({ wanted: mine.id })
  const proven = await provenOf(claimantsOf(candidates, mine), credentialsOf(secret))
  return { trackers: chooseTrackers(proven), whyNot: whyNotFound(candidates, mine) }
}

/** Whoever answers may say what he likes, also that he is of our network: the handshake proves it. An address each. */
async function provenOf (claimants: readonly Candidate[], credentials: ClientCredentials | undefined): Promise<Candidate[]> {
  const proven: Candidate[] = []
  const ending = new AbortController()
  await new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, PROOF_MS)
    const tries = claimants.flatMap(({ hosts, ...claimant }) => hosts.map(async (host) => {
      const socket = await dial({ host, port: claimant.port, credentials, signal: ending.signal })
      socket.destroy()
      if (proven.push({ ...claimant, hosts: [host] }) > 1) return
      clearTimeout(timer)
      timer = setTimeout(resolve, OTHERS_MS)
    }))
    void Promise.allSettled(tries).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  ending.abort()
  return proven
}

/** @throws E_TRACKER, which names them all; E_AUTH if one answers and has another secret. */
export async function firstToAnswer (addresses: readonly Address[], secret: Secret | undefined): Promise<Address> {
  const ending = new AbortController()
  const credentials = credentialsOf(secret)
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
    throw new PiecemealError('E_TRACKER', `nobody answers at ${addresses.map((address, i) => `${formatAddress(address)}${whyOf(errors[i])}`).join(', ')}: has that share or tracker ended, or is its machine behind a firewall?`, { cause })
  } finally {
    ending.abort()
  }
}

/** A port where nobody listens, a wall and a name that nobody knows are three troubles. */
function whyOf (error: unknown): string {
  const code = error instanceof PiecemealError ? systemCode(error.cause) ?? (error.code === 'E_TIMEOUT' ? 'no answer in time' : error.code) : undefined
  return code === undefined ? '' : ` (${code})`
}

function credentialsOf (secret: Secret | undefined): ClientCredentials | undefined {
  return secret && { ...credentialsFor('control', secret), name: NAME }
}
