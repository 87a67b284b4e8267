import { isIP } from 'node:net'

/** A host and a TCP port. */
export interface Address {
  host: string
  port: number
}

/** Where others reach a node that they can't reach where it listens; its own ports where none are given. */
export interface AdvertisedAddress {
  host: string
  inputPort?: number
  outputPort?: number
}

/** Where a tracker is that nobody has named. */
export const DEFAULT_TRACKER: Address = { host: '127.0.0.1', port: 12_340 }

/** `127.0.0.1:12340`, `[::1]:12340`. */
export function formatAddress ({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** An IPv4 peer of a socket that listens on IPv6 as well is still an IPv4 peer. */
export function plainAddress (address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

export function isLoopback (host: string): boolean {
  const address = plainAddress(host)
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

export function isWildcard (host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
