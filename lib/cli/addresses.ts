/** Addresses as people write them: a name, `127.0.0.1`, `::1` or `[::1]`, with ports behind them or without. */
import { isIP } from 'node:net'
import { DEFAULT_TRACKER, isWildcard, type Address, type AdvertisedAddress } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'

/** Labels with dots between them; an underscore is in no host name by the book, and in many all the same. */
const HOST_NAME = /^(?=.{1,253}$)(?:[\p{L}\p{M}\p{N}_](?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}_])?\.)*(?:[\p{L}\p{M}\p{N}_](?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}_])?)\.?$/u
/** A name whose last label is a number is an IPv4 address, or a slip. */
const ENDS_IN_NUMBER = /(?:^|\.)\d+\.?$/

/** A host without its brackets. @throws E_USAGE. */
export function parseHost (text: string, option: string): string {
  const { host, ports } = splitAddress(text)
  if (host === undefined || ports.length > 0) throw usage(`${option} wants a host name or an address, not ${JSON.stringify(text)}`)
  return host
}

/** `HOST:PORT`, or a host alone for the usual port. @throws E_USAGE. */
export function parseTracker (text: string): Address {
  const { host, ports: [port = String(DEFAULT_TRACKER.port), ...others] } = splitAddress(text)
  if (host === undefined || others.length > 0) throw usage(`-t wants HOST:PORT, not ${JSON.stringify(text)}; an IPv6 address with a port stands in brackets`)
  return { host, port: parsePort(port, '-t', 1) }
}

/** One, or several with commas between them. @throws E_USAGE. */
export function parseTrackers (text: string): Address | Address[] {
  const [first, ...others] = text.split(',').map(parseTracker)
  return others.length === 0 && first !== undefined ? first : [...first === undefined ? [] : [first], ...others]
}

/** `HOST`, or `HOST:INPUT:OUTPUT` where others have to connect to other ports, too. @throws E_USAGE. */
export function parseAdvertised (text: string): AdvertisedAddress {
  const { host, ports: [input, output, ...others] } = splitAddress(text)
  if (host === undefined || isWildcard(host) || others.length > 0 || (input === undefined) !== (output === undefined)) {
    throw usage(`--advertise wants HOST or HOST:INPUT:OUTPUT, as others reach this node, not ${JSON.stringify(text)}; an IPv6 address with ports stands in brackets`)
  }
  if (input === undefined || output === undefined) return { host }
  return { host, inputPort: parsePort(input, '--advertise', 1), outputPort: parsePort(output, '--advertise', 1) }
}

/** @throws E_USAGE. */
export function parsePort (text: string, option: string, least: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (port >= least && port <= 65_535) return port
  throw usage(`${option} wants a port from ${least} to 65535, not ${JSON.stringify(text)}`)
}

/** The host, if there is one, and whatever stands behind the colons after it. */
function splitAddress (text: string): { host?: string, ports: string[] } {
  if (isIP(text) === 6) return { host: text, ports: [] }
  const [, bracketed, plain = '', behind = ''] = /^(?:\[([^\]]*)\]|([^:]*))((?::[^:]*)*)$/s.exec(text) ?? []
  const isHost = bracketed === undefined
    ? isIP(plain) === 4 || (HOST_NAME.test(plain) && !ENDS_IN_NUMBER.test(plain))
    : isIP(bracketed) === 6
  return { ...(isHost && { host: bracketed ?? plain }), ports: behind.split(':').slice(1) }
}

function usage (message: string): PiecemealError {
  return new PiecemealError('E_USAGE', `${message}; --help says what there is`)
}
