/** Tokens as requests carry them, and how they are compared. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** In constant time, whatever their lengths. */
export function isOneOf (text: string, accepted: readonly string[]): boolean {
  const [given, ...ours] = [text, ...accepted].map((one) => createHash('sha256').update(one).digest()) as [Buffer, ...Buffer[]]
  let isOne = false
  for (const one of ours) isOne = timingSafeEqual(given, one) || isOne
  return isOne
}

/** What `Authorization` carries: of Bearer the token, of Basic the password, whoever the user is. */
export function tokenIn (authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization ?? '') ?? []
  switch (scheme.toLowerCase()) {
    case 'bearer': return credentials
    case 'basic': {
      const text = Buffer.from(credentials, 'base64').toString()
      return text.slice(text.indexOf(':') + 1)
    }
    default: return undefined
  }
}

/** The value of a cookie; the first, if there are several of that name. */
export function cookieIn (header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
