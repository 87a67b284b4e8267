import { isLoopback } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import type { Secret } from './keys.js'

export interface Exposure {
  /** What is listened on, as the user says it. */
  host: string
  /** What that stands for. @default the host itself */
  addresses?: readonly string[]
  secret?: Secret | undefined
  /** To listen beyond this machine without a secret, on purpose. */
  insecure?: boolean | undefined
}

/** Whether others than this machine can connect, and nothing keeps them out. */
export function isExposed ({ host, addresses = [host], secret }: Exposure): boolean {
  return secret === undefined && !addresses.every(isLoopback)
}

/** @throws E_AUTH where everybody could connect and nobody said that this is meant. */
export function assertNotExposed (exposure: Exposure): void {
  if (!isExposed(exposure) || exposure.insecure === true) return
  throw new PiecemealError('E_AUTH', `whoever reaches ${exposure.host} could list and fetch what is shared: give a secret (--secret-file), or --insecure if that is meant`)
}
