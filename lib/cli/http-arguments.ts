/** The flags of the HTTP port, which both commands have. */
import type { WebPort } from '../web/web-server.js'
import { PiecemealError } from '../protocol/errors.js'
import { parseHost, parsePort } from './addresses.js'

type Flags = Record<string, string | boolean | undefined>

export const HTTP_FLAGS = { string: ['http', 'http-host', 'http-cert', 'http-key', 'http-proxy', 'http-name'], boolean: ['http-plain'] }

/** Undefined without `--http`. @throws E_USAGE. */
export function httpOf (flags: Flags): WebPort | undefined {
  const { http, 'http-host': host, 'http-cert': cert, 'http-key': key, 'http-proxy': proxies, 'http-name': name } = flags
  if (http === undefined) {
    const stray = [...HTTP_FLAGS.string, ...HTTP_FLAGS.boolean].find((flag) => flags[flag] !== undefined && flags[flag] !== false)
    if (stray !== undefined) throw usage(`--${stray} goes with --http PORT`)
    return undefined
  }
  if ((cert === undefined) !== (key === undefined)) throw usage('--http-cert and --http-key go together')
  return {
    port: parsePort(String(http), '--http', 0),
    ...(host !== undefined && { host: parseHost(String(host), '--http-host') }),
    ...(cert !== undefined && { certificate: { cert: String(cert), key: String(key) } }),
    ...(proxies !== undefined && { proxies: String(proxies).split(',') }),
    ...(name !== undefined && { origin: originOf(String(name)) }),
    isPlain: flags['http-plain'] === true,
  }
}

function originOf (text: string): string {
  const { origin, protocol, pathname, search, hash, username } = URL.canParse(text) ? new URL(text) : { origin: 'null' } as URL
  if ((protocol === 'https:' || protocol === 'http:') && pathname === '/' && `${search}${hash}${username}` === '') return origin
  throw usage(`--http-name wants https://NAME or https://NAME:PORT, as browsers see it, not ${JSON.stringify(text)}`)
}

function usage (message: string): PiecemealError {
  return new PiecemealError('E_USAGE', `${message}; --help says what there is`)
}
