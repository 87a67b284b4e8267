/** What stands for the secret over HTTP, where it goes into configurations and browsers: it tells nothing of the secret, and opens no other port. */
import type { Secret } from './keys.js'

export type TokenPurpose = 'http' | 'metrics'

/** 43 letters, digits, `-` and `_`. */
export function httpToken ({ current }: Secret, purpose: TokenPurpose = 'http'): string {
  return text(current[purpose])
}

/** Those that are accepted: of a secret that is being changed two. */
export function acceptedTokens ({ current, old }: Secret, purpose: TokenPurpose): string[] {
  return [current, ...(old ? [old] : [])].map((keys) => text(keys[purpose]))
}

function text (key: Uint8Array): string {
  return Buffer.from(key).toString('base64url')
}
