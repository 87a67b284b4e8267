/** Connections whose peers have not shown yet that they are of the network, the oldest first, in all and of each address. */
import type { Socket } from 'node:net'

export class Strangers {
  /** Each with the address that it comes from. */
  readonly #addresses = new Map<Socket, string>()
  readonly #ofAddress = new Map<string, Set<Socket>>()

  add (socket: Socket, address: string): void {
    this.#addresses.set(socket, address)
    this.#ofAddress.set(address, (this.#ofAddress.get(address) ?? new Set()).add(socket))
  }

  /** Does nothing for one that is none. */
  delete (socket: Socket): void {
    const address = this.#addresses.get(socket)
    if (address === undefined) return
    this.#addresses.delete(socket)
    const others = this.#ofAddress.get(address)
    others?.delete(socket)
    if (others?.size === 0) this.#ofAddress.delete(address)
  }

  get size (): number {
    return this.#addresses.size
  }

  get oldest (): Socket | undefined {
    const [oldest] = this.#addresses.keys()
    return oldest
  }

  /** The oldest of an address that has so many, or more. */
  oldestOfCrowd (address: string, crowd: number): Socket | undefined {
    const others = this.#ofAddress.get(address)
    if (others === undefined || others.size < crowd) return undefined
    const [oldest] = others
    return oldest
  }
}
