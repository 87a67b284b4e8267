/** The addresses of this machine that others may reach, as far as a machine can know that of itself. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isLoopback } from '../protocol/address.js'

/** Of containers, virtual machines and tunnels: nobody outside reaches what is behind them. */
const MADE_UP = /^(?:docker|br-|veth|virbr|vnet|lxc|lxd|cni|flannel|cali|kube|podman|tun|tap|utun|wg|tailscale|zt|vmnet|vboxnet|dummy|ifb)/
const LINK_LOCAL = /^(?:fe[89ab][0-9a-f]:|169\.254\.)/i
const MOST = 8
/** Nothing is sent there: only the route to it is asked for. It is an address of documentation. */
const ELSEWHERE = { udp4: '192.0.2.1', udp6: '2001:db8::1' } as const

export interface Interface {
  name: string
  address: string
}

/** Those of real interfaces, or else of any; IPv4 first, one of each kind an interface. */
export async function addressesHere (list = networkInterfaces): Promise<Interface[]> {
  const all = interfacesHere(list)
  if (all === undefined) return (await Promise.all([routeAddress('udp4'), routeAddress('udp6')])).flatMap((address) => address === undefined ? [] : [{ name: 'default', address }])
  const real = all.filter(({ name }) => !MADE_UP.test(name))
  return (real.length > 0 ? real : all).slice(0, MOST)
}

/** Undefined where the system does not tell: a service without AF_NETLINK, or without a descriptor to spare. */
export function interfacesHere (list = networkInterfaces): Interface[] | undefined {
  let found: ReturnType<typeof networkInterfaces>
  try {
    found = list()
  } catch {
    return undefined
  }
  const usable = Object.entries(found).flatMap(([name, addresses = []]) => [4, 6].flatMap((family) => {
    const first = addresses.find(({ address, internal }) => !internal && isIP(address) === family && !LINK_LOCAL.test(address))
    return first === undefined ? [] : [{ name, address: first.address }]
  }))
  return usable.sort((a, b) => isIP(a.address) - isIP(b.address))
}

/** All of this machine's addresses, of both families where it has both. */
export function everywhere (list = networkInterfaces): string {
  try {
    return Object.values(list()).flat().some((address) => address?.family === 'IPv6') ? '::' : '0.0.0.0'
  } catch {
    return '0.0.0.0'
  }
}

/** Whether nobody outside of it reaches this machine, because it is a container. */
export function isContainer (list = networkInterfaces): boolean {
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return true
  const [only, ...others] = interfacesHere(list) ?? []
  if (only === undefined || others.some(({ name }) => name !== only.name)) return false
  try {
    const [link, own] = ['iflink', 'ifindex'].map((file) => readFileSync(`/sys/class/net/${only.name}/${file}`, 'utf8').trim())
    // The other end of its wire is in another namespace.
    return link !== own
  } catch {
    return false
  }
}

async function routeAddress (type: 'udp4' | 'udp6'): Promise<string | undefined> {
  const socket = createSocket(type)
  try {
    socket.connect(9, ELSEWHERE[type])
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) })
    const { address } = socket.address()
    return isLoopback(address) ? undefined : address
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}
