/** What a host stands for: itself where it is an address, and what its name resolves to otherwise. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutBrackets } from '../protocol/address.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** Whatever a hosts file says: the default is 127.0.0.1, and a resolver may know ::1 alone. */
const LOCALHOST = ['127.0.0.1', '::1']

/** How long a resolver is waited for where its answer was known before: without a network it takes many seconds to say so, and nothing ends that. */
const KNOWN_AFTER_MS = 1_000
const KNOWN_HOSTS = 64
const known = new Map<string, string[]>()
/** Each look-up takes one of few threads: no name takes two. */
const underWay = new Map<string, Promise<string[]>>()

/** As it resolves or, where the resolver does not answer now, as it did before. @throws what the resolver fails with. */
export async function addressesOf (host: string): Promise<string[]> {
  const name = withoutBrackets(host)
  if (isIP(name) !== 0) return [name]
  if (name.toLowerCase() === 'localhost') return [...LOCALHOST]
  let resolving = underWay.get(name)
  if (resolving === undefined) {
    resolving = resolve(name).finally(() => underWay.delete(name))
    underWay.set(name, resolving)
  }
  const before = known.get(name)
  return before ? await soonOr(resolving, before) : await resolving
}

async function resolve (name: string): Promise<string[]> {
  const found = await lookup(name, { all: true })
  // Node gives none for an empty name.
  if (found.length === 0) throw new Error('no address')
  const addresses = [...new Set(found.map(({ address }) => address))]
  if (known.size < KNOWN_HOSTS || known.has(name)) known.set(name, addresses)
  return addresses
}

async function soonOr<T> (answer: Promise<T>, instead: T): Promise<T> {
  const late = new AbortController()
  try {
    return await Promise.race([answer, sleep(KNOWN_AFTER_MS, instead, { signal: late.signal })])
  } catch {
    // A resolver that fails now does not make its earlier answer wrong.
    return instead
  } finally {
    late.abort()
  }
}

/** Where to listen. @throws E_USAGE if no address is known for the name. */
export async function listenAddressesOf (host: string): Promise<string[]> {
  try {
    return await addressesOf(host)
  } catch (cause) {
    throw new PiecemealError('E_USAGE', `cannot listen on ${quote(host)}: no address is known for that name (${systemCode(cause) ?? String(cause)})`, { cause })
  }
}
