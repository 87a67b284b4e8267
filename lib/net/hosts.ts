/** What a host stands for: itself where it is an address, and what its name resolves to otherwise. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { withoutBrackets } from '../protocol/address.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** Whatever a hosts file says: who gives no host means 127.0.0.1, and a resolver may know the other alone. */
const LOCALHOST = ['127.0.0.1', '::1']

/** @throws what the resolver fails with. */
export async function addressesOf (host: string): Promise<string[]> {
  const name = withoutBrackets(host)
  if (isIP(name) !== 0) return [name]
  if (name.toLowerCase() === 'localhost') return [...LOCALHOST]
  const found = await lookup(name, { all: true })
  // What Node says of no name at all.
  if (found.length === 0) throw new Error('no address')
  return [...new Set(found.map(({ address }) => address))]
}

/** Where to listen. @throws E_USAGE if the name is nobody's. */
export async function listenAddressesOf (host: string): Promise<string[]> {
  try {
    return await addressesOf(host)
  } catch (cause) {
    throw new PiecemealError('E_USAGE', `cannot listen on ${quote(host)}: no address is known for that name (${systemCode(cause) ?? String(cause)})`, { cause })
  }
}
