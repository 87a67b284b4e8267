/** Who may ask: looks at every request before anybody answers it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptedTokens } from '../secret/http-token.js'
import type { Secret } from '../secret/keys.js'
import { FailedTries } from './failed-tries.js'
import { isPass, type PassFor } from './passes.js'
import { networkOf, type Proxies } from './peer.js'
import { Refusal } from './refusal.js'
import { Sessions } from './sessions.js'
import type { Site } from './site.js'
import { cookieIn, isOneOf, tokenIn } from './tokens.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `all`: neither token nor `Host` is asked for; `open`: no token; `metrics`: the metrics' token does as well. @default the token */
    access?: 'all' | 'open' | 'metrics'
    /** What a `pass` in the question may be for. */
    passFor?: (request: FastifyRequest) => PassFor | undefined
    /** Its body is a file, which may take hours. */
    takesFile?: boolean
    /** A page: where there is no login, the form for it is the answer. */
    isPage?: boolean
  }
}

export interface GatekeeperOptions {
  secret?: Secret | undefined
  site: Site
  proxies: Proxies
  /** Of the cookie. */
  port: () => number
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** For programs; a browser would open a window of its own at the second. */
const CHALLENGES = { page: 'Bearer realm="piecemeal"', program: 'Basic realm="piecemeal", charset="UTF-8", Bearer realm="piecemeal"' }

export class Gatekeeper {
  readonly #options: GatekeeperOptions
  /** None where everybody may ask. */
  readonly #tokens: { http: string[], metrics: string[] } | undefined
  readonly #sessions = new Sessions()
  readonly #failed = new FailedTries()

  constructor (options: GatekeeperOptions) {
    const { secret } = options
    this.#options = options
    this.#tokens = secret && { http: acceptedTokens(secret, 'http'), metrics: acceptedTokens(secret, 'metrics') }
  }

  /** Whether anybody has to show a token. */
  get asksForToken (): boolean {
    return this.#tokens !== undefined
  }

  /** @throws 401, 403, 421, 429. */
  assertMayAsk (request: FastifyRequest): void {
    const { access } = request.routeOptions.config
    if (access === 'all') return
    const { site } = this.#options
    const { method, headers, url } = request
    site.assertOurs({ method, headers, path: url.split('?')[0] ?? '' })
    if (access === 'open') return
    const isAllowed = this.#isAllowed(request)
    const isChange = !READS.has(method)
    // A form of a stranger's page brings its origin along, unless it is one that hides it.
    if (isChange && headers.origin === undefined && (!isAllowed || this.#shownToken(request) === undefined)) {
      throw new Refusal(403, 'E_FORBIDDEN', 'a change takes the token, or an Origin that is this page')
    }
    if (!isAllowed) throw this.#unknown(request)
  }

  /** Whether the request shows who it is by a token of its own, rather than by what a browser keeps. */
  hasToken (request: FastifyRequest): boolean {
    return this.#tokens !== undefined && isOneOf(this.#shownToken(request) ?? '', this.#tokens.http)
  }

  /** Begins a session. @throws 401, 429. */
  logIn (token: string, request: FastifyRequest, reply: FastifyReply): void {
    if (this.#tokens === undefined) return
    if (!isOneOf(token, this.#tokens.http)) throw this.#wrong(request)
    reply.header('Set-Cookie', this.#cookie(this.#sessions.begin()))
  }

  logOut (request: FastifyRequest, reply: FastifyReply): void {
    this.#sessions.end(this.#sessionOf(request) ?? '')
    reply.header('Set-Cookie', `${this.#cookie('')}; Max-Age=0`)
  }

  #isAllowed (request: FastifyRequest): boolean {
    if (this.#tokens === undefined || this.#sessions.has(this.#sessionOf(request) ?? '') || this.#hasPass(request, this.#tokens.http)) return true
    const token = this.#shownToken(request)
    if (token === undefined) return false
    const { access } = request.routeOptions.config
    if (isOneOf(token, access === 'metrics' ? [...this.#tokens.http, ...this.#tokens.metrics] : this.#tokens.http)) return true
    throw this.#wrong(request)
  }

  #hasPass (request: FastifyRequest, tokens: readonly string[]): boolean {
    const { pass } = request.query as { pass?: unknown }
    const what = typeof pass === 'string' && (request.method === 'GET' || request.method === 'HEAD') ? request.routeOptions.config.passFor?.(request) : undefined
    return what !== undefined && isPass(tokens, what, String(pass))
  }

  #shownToken ({ headers: { authorization } }: FastifyRequest): string | undefined {
    return tokenIn(authorization)
  }

  #sessionOf ({ headers: { cookie } }: FastifyRequest): string | undefined {
    return cookieIn(cookie, this.#cookieName)
  }

  get #cookieName (): string {
    // Cookies know no ports: of two nodes on one machine each has its own.
    return `pm-${this.#options.port()}`
  }

  #cookie (id: string): string {
    return `${this.#cookieName}=${id}; HttpOnly; SameSite=Strict; Path=/${this.#options.site.isSecure ? '; Secure' : ''}`
  }

  #wrong (request: FastifyRequest): Refusal {
    const client = this.#options.proxies.clientOf(request.raw.socket.remoteAddress ?? '', request.headers['x-forwarded-for']?.toString())
    const seconds = this.#failed.add(networkOf(client))
    if (seconds === undefined) return new Refusal(401, 'E_AUTH', 'this is not the token of this network: piecemeal token prints it', challengeFor(request))
    return new Refusal(429, 'E_AUTH', `too many wrong tokens from ${client}; the right one is taken at any time`, { 'Retry-After': String(seconds) })
  }

  #unknown (request: FastifyRequest): Refusal {
    return new Refusal(401, 'E_AUTH', 'this asks for the token of the network: piecemeal token prints it', challengeFor(request))
  }
}

/** Whether a person's browser asks, as far as it says so. */
export function isBrowser ({ headers: { accept = '', ...headers } }: FastifyRequest): boolean {
  return headers['sec-fetch-mode'] !== undefined || /^text\/(?:html|event-stream)/.test(accept) || accept === 'application/json'
}

function challengeFor (request: FastifyRequest): Record<string, string> {
  return { 'WWW-Authenticate': isBrowser(request) ? CHALLENGES.page : CHALLENGES.program }
}
