/** What a tracker says of itself by DNS-SD, and how such answers are read: strangers send them, too. */
import { isIP } from 'node:net'
import type { Answer, Packet } from 'dns-packet'
import { isLoopback, isNobodys, plainAddress } from '../protocol/address.js'
import { DISCOVERY_HOSTS } from '../protocol/limits.js'

export const SERVICE = '_piecemeal._tcp.local'
const VERSION = '1'
const TTL_S = 120
const HEX_16 = /^[0-9a-f]{16}$/

/** A tracker, as it says: nothing of it is proven. */
export interface Candidate {
  /** What one list of files is known by, 16 hex digits. */
  net: string
  /** Of its secret; without one it is open to everybody. */
  id?: string
  hosts: string[]
  port: number
}

export interface Advertised extends Pick<Candidate, 'net' | 'id' | 'port'> {
  /** Of this service on this network. */
  instance: string
}

/** @param addresses of the interface that it is said on */
export function recordsOf ({ instance, net, id, port }: Advertised, addresses: readonly string[]): Answer[] {
  const [name, host] = [`${instance}.${SERVICE}`, `${instance}.local`]
  return [
    { type: 'PTR', name: SERVICE, ttl: TTL_S, data: name },
    { type: 'SRV', name, ttl: TTL_S, data: { port, target: host, priority: 0, weight: 0 } },
    { type: 'TXT', name, ttl: TTL_S, data: [`v=${VERSION}`, `net=${net}`, id === undefined ? 'open=1' : `id=${id}`] },
    ...addresses.map((address): Answer => ({ type: isIP(address) === 6 ? 'AAAA' : 'A', name: host, ttl: TTL_S, data: address })),
  ]
}

export function asksForUs ({ questions = [] }: Packet): boolean {
  return questions.some(({ name, type }) => name.toLowerCase() === SERVICE && (type === 'PTR' || String(type) === 'ANY'))
}

/** @param sender the address that the answer came from, for one that names none */
export function candidatesIn ({ answers = [], additionals = [] }: Packet, sender: string): Candidate[] {
  const all = [...answers, ...additionals]
  return all.flatMap((answer) => {
    if (answer.type !== 'SRV' || !answer.name.toLowerCase().endsWith(`.${SERVICE}`)) return []
    const { port, target } = answer.data
    const txt = new Map(all.flatMap((other) => other.type === 'TXT' && other.name === answer.name ? pairsIn(other.data) : []))
    const [net = '', id] = [txt.get('net'), txt.get('id')]
    if (txt.get('v') !== VERSION || !HEX_16.test(net) || port < 1 || (id === undefined ? txt.get('open') !== '1' : !HEX_16.test(id))) return []
    const named = all.flatMap((other) => (other.type === 'A' || other.type === 'AAAA') && other.name === target ? [String(other.data)] : [])
    const hosts = [...new Set([...named, sender].map(plainAddress))].filter((host) => isIP(host) !== 0 && !isNobodys(host) && !isLoopback(host)).slice(0, DISCOVERY_HOSTS)
    return hosts.length === 0 ? [] : [{ net, ...(id !== undefined && { id }), hosts, port }]
  })
}

function pairsIn (data: unknown): Array<[string, string]> {
  return [data].flat().map((text) => {
    const [key = '', ...value] = String(text).split('=')
    return [key, value.join('=')]
  })
}
