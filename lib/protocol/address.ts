import { BlockList, isIP } from 'node:net'

/** A host and a TCP port. */
export interface Address {
  host: string
  port: number
}

/** Where others reach a node, if not where it listens. Without ports it is the ports that it listens on. */
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

/** An IPv6 address as it stands before a port, `[::1]`, is that address. */
export function withoutBrackets (host: string): string {
  return host.startsWith('[') && host.endsWith(']') && isIP(host.slice(1, -1)) === 6 ? host.slice(1, -1) : host
}

export function isLoopback (host: string): boolean {
  const address = plainAddress(withoutBrackets(host))
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

export function isWildcard (host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Whether nobody can be listed there: it is no address, or means another machine to each machine that uses it. */
export function isNobodys (address: string): boolean {
  if (isIP(address) === 0) return true
  return NOBODYS.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const NOBODYS = new BlockList()
for (const [net, bits] of [['0.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 4], ['255.255.255.255', 32]] as const) NOBODYS.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [['::', 128], ['fe80::', 10], ['ff00::', 8]] as const) NOBODYS.addSubnet(net, bits, 'ipv6')

/** `HOST`, or `HOST:INPUT:OUTPUT` with an IPv6 host in brackets; undefined for anything else. */
export function parseAdvertised (text: string): AdvertisedAddress | undefined {
  if (isIP(text) === 6) return { host: text }
  const [, bracketed, plain, input, output] = /^(?:\[([^\]]{1,64})\]|([^:[\]]{1,253}))(?::(\d{1,5}):(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined
  if (input === undefined || output === undefined) return { host }
  const ports = [Number(input), Number(output)] as const
  return ports.every((port) => port >= 1 && port <= 65_535) ? { host, inputPort: ports[0], outputPort: ports[1] } : undefined
}

export function formatAdvertised ({ host, inputPort, outputPort }: AdvertisedAddress): string {
  return inputPort === undefined || outputPort === undefined ? host : `${formatAddress({ host, port: inputPort })}:${outputPort}`
}
