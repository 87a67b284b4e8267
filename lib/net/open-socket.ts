/**
 * A connection begins: plain TCP, or with a secret TLS 1.3 with a pre-shared key, which proves to
 * each side that the other has it. From then on both are sockets and look the same.
 */
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Address } from '../protocol/address.js'
import { outOfDescriptors, PiecemealError, systemCode } from '../protocol/errors.js'
import { makeIdentity } from '../secret/identity.js'
import type { ClientCredentials, ConnectionKey } from '../secret/keys.js'

export interface OpenOptions extends Address {
  /** The local address to come from; any if left out. */
  localAddress?: string | undefined
  /** Bytes are read into this one buffer, and no `data` is emitted. */
  onread?: OnReadOpts
}

/** How a client shows that it has a key: one of those that it has. */
export interface Greeting extends Omit<ClientCredentials, 'keys'> {
  key: ConnectionKey
}

/** With external pre-shared keys OpenSSL has no other suite: their digest is SHA-256. */
export const TLS_13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const

let context: SecureContext | undefined

/** `ready` is the event that says that the socket may be used. */
export function openSocket (options: OpenOptions, greeting: Greeting | undefined): { socket: Socket, ready: 'connect' | 'secureConnect' } {
  if (greeting === undefined) return { socket: connect({ ...options, noDelay: true }), ready: 'connect' }
  const { purpose, key, name } = greeting
  // A name of its own, because the types of Node leave out what it hands on to the socket below.
  const tls = {
    ...options,
    // One for all connections of a thread. Nobody is trusted for a certificate.
    secureContext: context ??= createSecureContext({ ...TLS_13, ca: [] }),
    pskCallback: () => ({ psk: key.psk, identity: makeIdentity(purpose, key, name) }),
    // Asked only where the other side showed a certificate in the place of the key.
    checkServerIdentity: () => new Error('it shows a certificate'),
  }
  const socket = connectTls(tls).setNoDelay()
  return { socket, ready: 'secureConnect' }
}

/**
 * Tries with the newest key, and with the one before it where that is refused: the other side may
 * not have been told of the new one yet. Without a secret there is one try, without a greeting.
 */
export async function withEachKey<T> (credentials: ClientCredentials | undefined, attempt: (greeting: Greeting | undefined) => Promise<T>): Promise<T> {
  if (credentials === undefined) return await attempt(undefined)
  const { purpose, name, keys: [newest, ...older] } = credentials
  if (newest === undefined) throw new Error('credentials without a key')
  let result = attempt({ purpose, name, key: newest })
  for (const key of older) {
    result = result.catch(async (error: unknown) => {
      if (error instanceof PiecemealError && error.code === 'E_AUTH') return await attempt({ purpose, name, key })
      throw error
    })
  }
  return await result
}

/** Why a connection could not be made: E_AUTH where it was the handshake that failed, E_LIMIT where we are out of descriptors, otherwise E_NETWORK. */
export function connectFailure (where: string, cause: Error): PiecemealError {
  const limit = outOfDescriptors(cause, `cannot connect to ${where}`)
  if (limit) return limit
  const code = systemCode(cause)
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return new PiecemealError('E_AUTH', `${where} speaks no TLS: was it started without a secret?`, { cause })
  // What the system says names its call; what TLS says, or of a certificate, does not.
  const isOfNetwork = 'syscall' in cause || code === 'ECONNRESET'
  if (isOfNetwork) return new PiecemealError('E_NETWORK', `no connection to ${where}: ${code ?? cause.message}`, { cause })
  return new PiecemealError('E_AUTH', `${where} has another secret than we have`, { cause })
}
