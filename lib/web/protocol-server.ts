/** Node's servers of HTTP and HTTPS, with our deadlines. Connections are handed to them. */
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { DEADLINES, HTTP_HEADER_BYTES, HTTP_HEADERS_MS, HTTP_IDLE_MS } from '../protocol/limits.js'
import type { Pair } from './certificate.js'

const OPTIONS: ServerOptions = {
  maxHeaderSize: HTTP_HEADER_BYTES,
  headersTimeout: HTTP_HEADERS_MS,
  // It would count the body, and a file may take hours.
  requestTimeout: 0,
  keepAliveTimeout: HTTP_IDLE_MS,
  connectionsCheckingInterval: 1_000,
}

export function plainServer (): Server {
  return createServer(OPTIONS)
}

export function tlsServer (pair: Pair): TlsServer {
  return createTlsServer({ ...OPTIONS, ...pair, minVersion: 'TLSv1.2', handshakeTimeout: DEADLINES.handshakeMs })
}
