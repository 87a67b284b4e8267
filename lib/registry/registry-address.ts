/** Where a registry is: what `--registry` and the variable PIECEMEAL_REDIS_URL say. */
import { isLoopback, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'

const REDIS_PORT = 6_379
const SENTINEL_PORT = 26_379
const PREFIX = /^[a-z0-9-]{1,16}$/

export interface RegistryAddress {
  kind: 'alone' | 'sentinel' | 'cluster' | 'unix'
  /** One where it stands alone; Sentinels, or some nodes of a cluster. */
  hosts: Address[]
  /** Of a socket. */
  path?: string
  /** As the Sentinels call it. */
  master?: string
  db: number
  tls: boolean
  username?: string
  password?: string
  /** Without the password, for people. */
  text: string
}

/**
 * `redis://H:P/DB`, `redis+sentinel://H:P,H:P/MASTER/DB`, `redis+cluster://H:P,H:P`, `unix:PATH`; `rediss` for TLS.
 *
 * @param mayHavePassword an argument may not: everybody on the machine sees those
 * @throws E_USAGE
 */
export function parseRegistryAddress (url: string, { mayHavePassword }: { mayHavePassword: boolean }): RegistryAddress {
  if (url.startsWith('unix:')) {
    const path = url.slice('unix:'.length)
    if (!path.startsWith('/')) throw usage('a registry at unix: wants the whole path of a socket')
    return { kind: 'unix', hosts: [], path, db: 0, tls: false, text: url }
  }
  const [, scheme = '', kind = 'alone', userinfo, authority = '', path = ''] = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/@]*)(\/.*)?$/s.exec(url) ?? []
  if (scheme === '') throw usage('a registry is redis://HOST:PORT/DB, redis+sentinel://HOST:PORT,…/MASTER/DB, redis+cluster://HOST:PORT,… or unix:PATH')
  if (userinfo !== undefined && !mayHavePassword) throw usage('a password in an argument can be seen by everybody on the machine: --registry-password-file, or the whole URL in PIECEMEAL_REDIS_URL')
  const hosts = authority.split(',').map((host) => parseHost(host, kind === 'sentinel' ? SENTINEL_PORT : REDIS_PORT))
  const parts = path.split('/').filter((part) => part !== '')
  const master = kind === 'sentinel' ? parts.shift() : undefined
  if (kind === 'sentinel' && master === undefined) throw usage('a registry behind Sentinels wants the name of the master: redis+sentinel://HOST:PORT/MASTER')
  if (kind === 'alone' && hosts.length > 1) throw usage('a registry with several hosts is redis+sentinel:// or redis+cluster://')
  const [db = '0', ...others] = parts
  if (!/^\d{1,5}$/.test(db) || others.length > 0 || (kind === 'cluster' && db !== '0')) throw usage(`${JSON.stringify(parts.join('/'))} is no database of a registry`)
  return {
    kind: kind as 'alone' | 'sentinel' | 'cluster',
    hosts,
    ...(master !== undefined && { master }),
    db: Number(db),
    tls: scheme === 'rediss',
    ...credentialsOf(userinfo),
    text: `${scheme}${kind === 'alone' ? '' : `+${kind}`}://${authority}${path}`,
  }
}

/** @throws E_USAGE */
export function parseRegistryPrefix (prefix: string): string {
  if (PREFIX.test(prefix)) return prefix
  throw usage(`--registry-prefix wants 1 to 16 of a-z 0-9 -, not ${JSON.stringify(prefix)}`)
}

/** Whoever reaches a registry lists names and writes owners. @throws E_AUTH where others may, unless that is meant */
export function assertRegistryNotExposed ({ hosts, tls, password, text }: RegistryAddress, insecure: boolean): void {
  if (insecure || hosts.every(({ host }) => isLoopback(host)) || (tls && password !== undefined)) return
  throw new PiecemealError('E_AUTH', `whoever reaches ${text} could write there who owns what: use rediss:// and a password (--registry-password-file), or --insecure if that is meant`)
}

function credentialsOf (userinfo = ''): Pick<RegistryAddress, 'username' | 'password'> {
  const colon = userinfo.indexOf(':')
  const [username, password] = colon < 0 ? ['', userinfo] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)]
  try {
    return { ...(username !== '' && { username: decodeURIComponent(username) }), ...(password !== '' && { password: decodeURIComponent(password) }) }
  } catch {
    throw usage('the password of a registry is not well written: % stands before two hex digits')
  }
}

function parseHost (text: string, usualPort: number): Address {
  const [, bracketed, plain, port = String(usualPort)] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw usage(`${JSON.stringify(text)} is no HOST:PORT of a registry`)
  return { host, port: Number(port) }
}

function usage (message: string): PiecemealError {
  return new PiecemealError('E_USAGE', `${message}; --help says what there is`)
}
