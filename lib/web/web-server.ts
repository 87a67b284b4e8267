/**
 * The HTTP port that a tracker or a node may open: what every request has to pass, whoever answers it.
 * Fastify finds who answers; who may connect at all is decided by the listener that all our ports have.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { listenAddressesOf } from '../net/hosts.js'
import { Listener } from '../net/listener.js'
import { formatAddress, isLoopback, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES, HTTP_BODY_BYTES, HTTP_BODY_MS, HTTP_CONNECTIONS, HTTP_HEADERS } from '../protocol/limits.js'
import { assertNotExposed } from '../secret/exposure.js'
import type { Secret } from '../secret/keys.js'
import { answerWithRefusal } from './answer.js'
import { Certificate, type CertificateFiles } from './certificate.js'
import { Gatekeeper } from './gatekeeper.js'
import { addHealth, type Readiness } from './health.js'
import { addLogin } from './login.js'
import { Proxies } from './peer.js'
import { plainServer, tlsServer } from './protocol-server.js'
import { Refusal } from './refusal.js'
import { Site } from './site.js'

/** What a user says of the port. */
export interface WebPort {
  /** 0 for any free one. */
  port: number
  /** An address, or a name, which stands for all of its addresses that this machine has. @default '127.0.0.1' */
  host?: string | undefined
  /** For TLS. */
  certificate?: CertificateFiles | undefined
  /** Beyond this machine without TLS, on purpose: a proxy does it. @default false */
  isPlain?: boolean | undefined
  /** Whose X-Forwarded-For is believed. */
  proxies?: readonly string[] | undefined
  /** `https://name[:port]`, what browsers see of us behind a proxy. */
  origin?: string | undefined
}

export interface WebServerOptions extends WebPort {
  /** Of the network; with it everything asks for its token. */
  secret?: Secret | undefined
  insecure?: boolean | undefined
  /** Why it can't serve now, in one word. */
  readiness: Readiness
  /** Something that no client is told about. */
  onError: (error: Error) => void
}

/** Names have 255 bytes, each three letters where they are encoded. */
const MAX_PARAM_LENGTH = 4_096
const BUSY = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
/** What everything is sent with that says nothing else. */
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export class WebServer {
  /** Where answers are added, before it listens. */
  readonly routes: FastifyInstance
  readonly gatekeeper: Gatekeeper
  readonly #options: WebServerOptions
  readonly #server: Server
  readonly #certificate: Certificate | undefined
  readonly #listener: Listener
  /** TLS sockets' connections, by the peer's address and port. */
  readonly #connections = new Map<string, Socket>()
  #prepared: Promise<void> | undefined
  #address: Address | undefined
  #closed: Promise<void> | undefined

  /** @throws E_AUTH if the certificate can't be used, E_USAGE for a proxy that is no address. */
  static async open (options: WebServerOptions): Promise<WebServer> {
    const proxies = new Proxies(options.proxies)
    const { fastify } = await import('fastify')
    const routes = fastify({
      bodyLimit: HTTP_BODY_BYTES,
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
      frameworkErrors: (error, request, reply) => { answerWithRefusal(error, request, reply) },
    })
    const certificate = options.certificate && await Certificate.open(options.certificate, options.onError)
    if (certificate === undefined) return new WebServer(options, routes, plainServer(), proxies, certificate)
    const server = tlsServer(certificate.pair)
    certificate.onChange = (pair) => server.setSecureContext(pair)
    return new WebServer(options, routes, server, proxies, certificate)
  }

  private constructor (options: WebServerOptions, routes: FastifyInstance, server: Server, proxies: Proxies, certificate: Certificate | undefined) {
    const { secret, origin, readiness, onError } = options
    this.#options = options
    this.routes = routes
    this.#server = server
    this.#certificate = certificate
    const site = new Site({ isTls: certificate !== undefined, origin })
    this.gatekeeper = new Gatekeeper({ secret, site, proxies, port: () => this.#address?.port ?? 0 })
    this.#listener = new Listener({
      onConnection: (socket) => this.#take(socket),
      onAcceptError: onError,
      maxConnections: HTTP_CONNECTIONS,
      // A thousand programs of one machine, or behind one proxy, come at once: whoever is silent goes where there is no room, and after 10 s.
      maxUnknownPerAddress: HTTP_CONNECTIONS,
      turnAway: (socket) => socket.end(certificate ? '' : BUSY, () => socket.destroy()),
    })
    this.#guard()
    addHealth(routes, readiness)
    addLogin(routes, this.gatekeeper)
  }

  /** When the certificate ends, in seconds of the Unix clock; none without one. */
  get certificateExpiry (): number | undefined {
    return this.#certificate?.expiry
  }

  get isTls (): boolean {
    return this.#certificate !== undefined
  }

  /**
   * Where it listens, as a URL, once it does.
   *
   * @throws E_USAGE for a host name that is nobody's; E_AUTH for a host beyond the loopback with neither a secret nor `insecure`, or with
   * neither TLS nor `isPlain`; E_PORT, after which it may be tried again.
   */
  async listen (): Promise<{ url: string, address: Address }> {
    const { host = '127.0.0.1', port, secret, insecure, isPlain } = this.#options
    const addresses = await listenAddressesOf(host)
    assertNotExposed({ host, addresses, secret, insecure })
    if (!this.isTls && isPlain !== true && !addresses.every(isLoopback)) {
      throw new PiecemealError('E_AUTH', `whoever is between this machine and others could read tokens and files on ${host}: give --http-cert and --http-key, or --http-plain if a proxy does TLS`)
    }
    await (this.#prepared ??= this.#prepare())
    this.#address = await this.#listener.listen({ host: addresses, port })
    return { url: `${this.isTls ? 'https' : 'http'}://${formatAddress(this.#address)}/`, address: this.#address }
  }

  async #prepare (): Promise<void> {
    await this.routes.ready()
    const answer: RequestListener = (request, response) => this.#answer(request, response)
    this.#server.on('request', answer)
    // Without this Node says `100 Continue` before anybody has looked at the request.
    this.#server.on('checkContinue', answer)
    // It never listens itself, and keeps no list of its connections, nor any deadline, before it thinks that it does.
    this.#server.emit('listening')
  }

  /** Closes the port and cuts every connection, event streams too. Safe to call twice. */
  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close (): Promise<void> {
    this.#certificate?.close()
    this.#server.closeAllConnections()
    // It says that it did not listen, which is true.
    this.#server.close(() => {})
    await this.#listener.close()
    await this.routes.close()
  }

  #take (socket: Socket): void {
    if (this.isTls) {
      const peer = peerOf(socket)
      this.#connections.set(peer, socket)
      socket.once('close', () => this.#connections.delete(peer))
    }
    this.#server.emit('connection', socket)
  }

  #answer (request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = this.isTls ? this.#connections.get(peerOf(socket)) : socket
    if (connection) {
      this.#listener.admit(connection)
      response.once('close', () => { if (!connection.destroyed) this.#listener.rest(connection) })
    }
    this.routes.routing(request, response)
  }

  #guard (): void {
    this.routes.addHook('onRequest', async (request, reply) => {
      reply.headers(HEADERS)
      const { raw, routeOptions: { config } } = request
      if (raw.rawHeaders.length > 2 * HTTP_HEADERS) throw new Refusal(431, 'E_LIMIT', `more than ${HTTP_HEADERS} headers`)
      this.gatekeeper.assertMayAsk(request)
      if (config.takesFile !== true) cutAfter(raw, HTTP_BODY_MS)
    })
    this.routes.addHook('preParsing', async ({ headers }, reply) => {
      if (headers.expect !== undefined) reply.raw.writeContinue()
    })
    // What is left of a body is read for a moment, so that the answer arrives; longer it is not.
    this.routes.addHook('onResponse', async ({ raw }) => { if (!raw.complete) cutAfter(raw, DEADLINES.lingerMs) })
    this.routes.setErrorHandler((error, request, reply) => {
      const { status, message } = answerWithRefusal(error, request, reply)
      if (status === 500) this.#options.onError(new PiecemealError('E_INTERNAL', `${request.method} ${request.routeOptions.url ?? '?'}: ${error instanceof Error ? error.stack ?? error.message : message}`))
    })
    this.routes.setNotFoundHandler((request, reply) => { answerWithRefusal(new Refusal(404, 'E_USAGE', 'there is nothing here'), request, reply) })
  }
}

/** A body that is not there by then never will be. */
function cutAfter (request: IncomingMessage, ms: number): void {
  if (request.complete || request.destroyed) return
  const late = setTimeout(() => { if (!request.complete) request.destroy() }, ms)
  request.once('close', () => clearTimeout(late))
}

function peerOf ({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
