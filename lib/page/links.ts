/** Where a browser finds a file: at the gateways of those who have it. */
import { formatAddress, isLoopback, plainAddress } from '../protocol/address.js'
import { httpToken } from '../secret/http-token.js'
import type { Secret } from '../secret/keys.js'
import type { Owner } from '../tracker/registry.js'
import { makePass } from '../web/passes.js'

export interface LinkOptions {
  secret?: Secret | undefined
  isTls: boolean
}

export interface Asked {
  filename: string
  digest: string
  isFolder: boolean
  /** Where the browser is. */
  peer: string
}

/** An owner's gateway, if it has one that this browser reaches. The link brings the right to this one content along. */
export function gatewayLink (owner: Owner & { httpPort?: number | undefined }, { filename, digest, isFolder, peer }: Asked, { secret, isTls }: LinkOptions): string | undefined {
  const { host, httpPort: port } = owner
  if (port === undefined || (isLoopback(host) && !isLoopback(plainAddress(peer)))) return undefined
  const question = new URLSearchParams({ digest, ...(secret && { pass: makePass(httpToken(secret), { filename, digest }) }) })
  return `${isTls ? 'https' : 'http'}://${formatAddress({ host, port })}${isFolder ? `/folders/${encodeURIComponent(filename)}/` : `/files/${encodeURIComponent(filename)}`}?${question}`
}
