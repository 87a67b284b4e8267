import { connect, type Socket } from 'node:net'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { CONNECT_MS } from '../protocol/limits.js'
import { formatAddress, type Address } from '../protocol/address.js'

export interface DialOptions extends Address {
  /** The local address to come from; any if left out. */
  localAddress?: string | undefined
  signal?: AbortSignal | undefined
  /** @default 5000 */
  connectMs?: number
}

/**
 * A connected socket.
 *
 * @throws E_NETWORK if the connection is refused or fails, E_TIMEOUT after `connectMs`, E_INTERRUPTED on abort.
 */
export async function dial ({ host, port, localAddress, signal, connectMs = CONNECT_MS }: DialOptions): Promise<Socket> {
  const where = formatAddress({ host, port })
  return await new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host, port, localAddress, noDelay: true })
    const timer = setTimeout(() => {
      fail(new PiecemealError('E_TIMEOUT', `no connection to ${where} within ${connectMs / 1_000} s`))
    }, connectMs)

    function settle (): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
      socket.off('error', refuse)
      socket.off('connect', succeed)
    }
    function succeed (): void {
      settle()
      resolve(socket)
    }
    function fail (error: PiecemealError): void {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    function refuse (cause: Error): void {
      fail(new PiecemealError('E_NETWORK', `no connection to ${where}: ${systemCode(cause) ?? cause.message}`, { cause }))
    }
    function interrupt (): void {
      fail(new PiecemealError('E_INTERRUPTED', `the connection to ${where} was given up`))
    }

    socket.once('error', refuse)
    socket.once('connect', succeed)
    if (signal?.aborted) interrupt()
    else signal?.addEventListener('abort', interrupt, { once: true })
  })
}
