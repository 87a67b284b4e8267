/** Who a request comes from, through proxies that are ours. */
import { BlockList, isIP } from 'node:net'
import { plainAddress } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'

export class Proxies {
  readonly #list = new BlockList()

  /** @param addresses of proxies, or networks `ADDRESS/BITS` of them. @throws E_USAGE. */
  constructor (addresses: readonly string[] = []) {
    for (const text of addresses) {
      const [address = '', bits] = text.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      try {
        if (bits === undefined) this.#list.addAddress(address, family)
        else this.#list.addSubnet(address, /^\d{1,3}$/.test(bits) ? Number(bits) : NaN, family)
      } catch (cause) {
        throw new PiecemealError('E_USAGE', `--http-proxy wants the address of a proxy, not ${JSON.stringify(text)}`, { cause })
      }
    }
  }

  /** The rightmost address that is no such proxy: what stands left of it anybody may have written. */
  clientOf (peer: string, forwardedFor: string | undefined): string {
    const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim())
    let client = plainAddress(peer)
    while (this.#has(client)) {
      const before = plainAddress(hops.pop() ?? '')
      if (isIP(before) === 0) break
      client = before
    }
    return client
  }

  #has (address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** What one stranger has for himself: an IPv4 address, or an IPv6 network of 64 bits. */
export function networkOf (address: string): string {
  if (isIP(address) !== 6) return address
  const [before = '', after] = (address.split('%')[0] ?? '').split('::')
  const groups = before === '' ? [] : before.split(':')
  const behind = after === undefined || after === '' ? [] : after.split(':')
  // `::` stands for as many zeros as are missing; the last group may be an IPv4 address, which counts as two.
  const missing = after === undefined ? 0 : 8 - groups.length - behind.length - (address.includes('.') ? 1 : 0)
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...behind]
  return `${all.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`
}
