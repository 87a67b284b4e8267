/**
 * The right to fetch one content from any gateway of the network, as a link brings it along: nobody
 * logs in again at each node. `EXPIRY.MAC`, the expiry in seconds of the Unix clock, base 36.
 */
import { createHmac } from 'node:crypto'
import { HTTP_PASS_MS } from '../protocol/limits.js'
import { isOneOf } from './tokens.js'

/** What a pass is for: a file's name, and its whole digest. */
export interface PassFor {
  filename: string
  digest: string
}

/** Clocks of two machines differ. */
const CLOCK_MS = 5 * 60_000

export function makePass (token: string, what: PassFor, nowMs = Date.now()): string {
  const expiry = Math.floor((nowMs + HTTP_PASS_MS) / 1_000).toString(36)
  return `${expiry}.${macOf(token, what, expiry)}`
}

/** @param tokens those that are accepted */
export function isPass (tokens: readonly string[], what: PassFor, pass: string, nowMs = Date.now()): boolean {
  const [, expiry, mac] = /^([0-9a-z]{1,9})\.([A-Za-z0-9_-]{43})$/.exec(pass) ?? []
  if (expiry === undefined || mac === undefined) return false
  const leftMs = parseInt(expiry, 36) * 1_000 - nowMs
  return leftMs > 0 && leftMs <= HTTP_PASS_MS + CLOCK_MS && isOneOf(mac, tokens.map((token) => macOf(token, what, expiry)))
}

function macOf (token: string, { filename, digest }: PassFor, expiry: string): string {
  // No part can hold what stands between them.
  return createHmac('sha256', token).update(`piecemeal/1 pass\n${filename}\n${digest}\n${expiry}`).digest('base64url')
}
