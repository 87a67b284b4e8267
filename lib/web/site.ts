/**
 * Whether a request means us, and comes from a page of ours: a name of somebody else's that resolves to
 * this machine opens nothing here (DNS rebinding), and a picture on a stranger's page starts no download.
 */
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { Refusal } from './refusal.js'

export interface SiteOptions {
  isTls: boolean
  /** `https://name[:port]`, what browsers see of us behind a proxy. */
  origin?: string | undefined
  /** @default this machine's */
  hostName?: string
}

/** What a request says of itself. */
export interface SiteRequest {
  method: string
  /** Without the question. */
  path: string
  headers: NodeJS.Dict<string | string[]>
}

/** What a page embeds is no navigation that its user made. */
const EMBEDDED: ReadonlySet<string> = new Set(['iframe', 'frame', 'embed', 'object', 'fencedframe'])

export class Site {
  readonly #scheme: string
  readonly #origin: string | undefined
  readonly #names: ReadonlySet<string>

  constructor ({ isTls, origin, hostName = hostname() }: SiteOptions) {
    this.#scheme = isTls ? 'https' : 'http'
    this.#origin = origin
    this.#names = new Set(['localhost', hostName.toLowerCase(), ...(origin === undefined ? [] : [new URL(origin).hostname])])
  }

  /** Whether browsers reach us by TLS, whoever does it. */
  get isSecure (): boolean {
    return this.#scheme === 'https' || this.#origin?.startsWith('https:') === true
  }

  /** @throws 421, 403. */
  assertOurs (request: SiteRequest): void {
    this.assertMeansUs(request)
    this.#assertOrigin(request)
    this.#assertSite(request)
  }

  /** @throws 421 for another host's name. */
  assertMeansUs ({ headers: { host = '' } }: Pick<SiteRequest, 'headers'>): void {
    const name = hostIn(String(host))
    if (name !== undefined && (isIP(name) !== 0 || this.#names.has(name))) return
    throw new Refusal(421, 'E_USAGE', `Host is ${JSON.stringify(host)}, and this is ${[...this.#names].join(', ')}, or an address; see --http-name`)
  }

  #assertOrigin ({ headers: { origin, host = '' } }: SiteRequest): void {
    if (origin === undefined || origin === this.#origin) return
    const own = originOf(`${this.#scheme}://${String(host)}`)
    if (own !== undefined && origin === own) return
    throw new Refusal(403, 'E_FORBIDDEN', `Origin is ${JSON.stringify(origin)}, and this is ${[own, this.#origin].filter(Boolean).join(' or ')}; see --http-name`)
  }

  #assertSite ({ method, path, headers }: SiteRequest): void {
    const site = headers['sec-fetch-site']
    if (site !== 'cross-site' && site !== 'same-site') return
    const isNavigation = headers['sec-fetch-mode'] === 'navigate' && (method === 'GET' || method === 'HEAD') && !EMBEDDED.has(String(headers['sec-fetch-dest']))
    if (isNavigation && (path === '/' || headers['sec-fetch-user'] === '?1')) return
    throw new Refusal(403, 'E_FORBIDDEN', 'a page of another site asks for this, and nobody has followed a link')
  }
}

/** Of `name:port`, in lower case and without brackets. */
function hostIn (header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@?#]+))(?::\d{0,5})?$/i.exec(header) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}

/** Without a port that goes without saying, as browsers have it. */
function originOf (text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).origin : undefined
}
