import type { Socket } from 'node:net'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES } from '../protocol/limits.js'
import { formatAddress } from '../protocol/address.js'
import { inSeconds } from '../protocol/units.js'
import type { ClientCredentials } from '../secret/keys.js'
import { connectFailure, openSocket, withEachKey, type Greeting, type OpenOptions } from './open-socket.js'

export interface DialOptions extends Omit<OpenOptions, 'onread'> {
  /** With them the connection is TLS, or none. */
  credentials?: ClientCredentials | undefined
  signal?: AbortSignal | undefined
  /** @default 5000 */
  connectMs?: number | undefined
}

/**
 * A connected socket.
 *
 * @throws E_NETWORK if the connection is refused or fails, E_TIMEOUT after `connectMs`, E_INTERRUPTED on abort;
 * E_AUTH if there are credentials that the other side does not share.
 */
export async function dial ({ credentials, ...options }: DialOptions): Promise<Socket> {
  return await withEachKey(credentials, async (greeting) => await dialWith(greeting, options))
}

async function dialWith (greeting: Greeting | undefined, { host, port, localAddress, signal, connectMs = DEADLINES.connectMs }: DialOptions): Promise<Socket> {
  const where = formatAddress({ host, port })
  return await new Promise<Socket>((resolve, reject) => {
    const { socket, ready } = openSocket({ host, port, localAddress }, greeting)
    const timer = setTimeout(() => {
      fail(new PiecemealError('E_TIMEOUT', `no connection to ${where} within ${inSeconds(connectMs)}`))
    }, connectMs)

    function settle (): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
      socket.off('error', refuse)
      socket.off(ready, succeed)
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
      fail(connectFailure(where, cause))
    }
    function interrupt (): void {
      fail(new PiecemealError('E_INTERRUPTED', `the connection to ${where} was given up`))
    }

    socket.once('error', refuse)
    socket.once(ready, succeed)
    if (signal?.aborted) interrupt()
    else signal?.addEventListener('abort', interrupt, { once: true })
  })
}
