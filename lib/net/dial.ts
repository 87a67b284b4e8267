import { isIP, type Socket } from 'node:net'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES } from '../protocol/limits.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { inSeconds } from '../protocol/units.js'
import type { ClientCredentials } from '../secret/keys.js'
import { addressesOf } from './hosts.js'
import { connectFailure, openSocket, withEachKey, type Greeting } from './open-socket.js'

export interface DialOptions extends Address {
  /** Addresses of ours to come from, each for its own family; any if there is none for a family. */
  localAddresses?: readonly string[] | undefined
  /** With them the connection is TLS, or none. */
  credentials?: ClientCredentials | undefined
  signal?: AbortSignal | undefined
  /** @default 5000 */
  connectMs?: number | undefined
}

/** How long one address of a name is waited for before the next is tried as well (RFC 8305 says 250 ms). Node's own way of doing this gives the slow one up. */
const HEAD_START_MS = 250

/**
 * A connected socket: of the addresses that a name has, the first that answers.
 *
 * @throws E_NETWORK if the connection is refused or fails, E_TIMEOUT after `connectMs`, E_INTERRUPTED on abort;
 * E_AUTH if there are credentials that the other side does not share.
 */
export async function dial ({ credentials, ...options }: DialOptions): Promise<Socket> {
  return await withEachKey(credentials, async (greeting) => await new Dialling(options, greeting).run())
}

class Dialling {
  readonly #options: Omit<DialOptions, 'credentials'>
  readonly #greeting: Greeting | undefined
  readonly #where: string
  readonly #trying = new Set<Socket>()
  #untried: string[] = []
  #nextTry: NodeJS.Timeout | undefined
  #failure: PiecemealError | undefined
  #isSettled = false
  #settle: (outcome: Socket | PiecemealError) => void = () => {}

  constructor (options: Omit<DialOptions, 'credentials'>, greeting: Greeting | undefined) {
    this.#options = options
    this.#greeting = greeting
    this.#where = formatAddress(options)
  }

  async run (): Promise<Socket> {
    const { host, signal, connectMs = DEADLINES.connectMs } = this.#options
    const interrupt = (): void => this.#settle(new PiecemealError('E_INTERRUPTED', `the connection to ${this.#where} was given up`))
    const late = setTimeout(() => {
      this.#settle(new PiecemealError('E_TIMEOUT', `no connection to ${this.#where} within ${inSeconds(connectMs)}`))
    }, connectMs)
    signal?.addEventListener('abort', interrupt, { once: true })
    try {
      return await new Promise<Socket>((resolve, reject) => {
        this.#settle = (outcome) => {
          this.#isSettled = true
          if (outcome instanceof PiecemealError) reject(outcome)
          else resolve(outcome)
        }
        if (signal?.aborted) return interrupt()
        addressesOf(host).then((addresses) => {
          this.#untried = addresses
          this.#tryNext()
        }, (cause: Error) => this.#settle(connectFailure(this.#where, cause)))
      })
    } finally {
      clearTimeout(late)
      clearTimeout(this.#nextTry)
      signal?.removeEventListener('abort', interrupt)
      for (const socket of this.#trying) drop(socket)
    }
  }

  #tryNext (): void {
    clearTimeout(this.#nextTry)
    const host = this.#untried.shift()
    if (host === undefined || this.#isSettled) return
    const { port, localAddresses } = this.#options
    const localAddress = localAddresses?.find((address) => isIP(address) === isIP(host))
    const { socket, ready } = openSocket({ host, port, localAddress }, this.#greeting)
    const fail = (cause: Error): void => {
      this.#trying.delete(socket)
      drop(socket)
      this.#fail(connectFailure(this.#where, cause))
    }
    this.#trying.add(socket)
    socket.once('error', fail)
    socket.once(ready, () => {
      socket.off('error', fail)
      this.#trying.delete(socket)
      this.#settle(socket)
    })
    if (this.#untried.length > 0) this.#nextTry = setTimeout(() => this.#tryNext(), HEAD_START_MS)
  }

  /** The last failure is the one that counts, unless an address had another secret: that does not pass by itself. */
  #fail (failure: PiecemealError): void {
    if (this.#failure?.code !== 'E_AUTH') this.#failure = failure
    if (this.#untried.length > 0) this.#tryNext()
    else if (this.#trying.size === 0) this.#settle(this.#failure)
  }
}

function drop (socket: Socket): void {
  socket.on('error', () => {})
  socket.destroy()
}
