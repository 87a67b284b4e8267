/** What an answer says of the file that it carries. */
import { DIGEST_PREFIX } from '../protocol/content.js'
import type { Title } from '../reading/readable.js'
import { mediaType, OTHER_TYPE } from './media-types.js'

/** Whatever a member shares is shown without a right to anything, as the type that we say it is. */
export const SANDBOX = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'; media-src 'self'",
  'Referrer-Policy': 'no-referrer',
}

export function etagOf ({ digest }: Pick<Title, 'digest'>): string {
  return `"${digest}"`
}

/**
 * @param isPinned whether the digest was asked for in full: then it never changes
 * @param sha256 of the whole, where it is known
 */
export function representationHeaders (title: Title, { isPinned, sha256, links }: { isPinned: boolean, sha256?: Buffer | undefined, links: readonly string[] }): Record<string, string> {
  const type = mediaType(title.filename)
  return {
    ...SANDBOX,
    'Accept-Ranges': 'bytes',
    'Content-Type': type,
    'Content-Disposition': disposition(title.filename, type === OTHER_TYPE ? 'attachment' : 'inline'),
    ETag: etagOf(title),
    'X-Piecemeal-Digest': title.digest,
    'Cache-Control': isPinned ? 'private, max-age=31536000, immutable, no-transform' : 'no-cache, no-transform',
    ...(title.since !== undefined && { 'Last-Modified': new Date(title.since * 1_000).toUTCString() }),
    ...(sha256 && { 'Repr-Digest': `sha-256=:${sha256.toString('base64')}:` }),
    ...(links.length > 0 && { Link: links.join(', ') }),
  }
}

/** RFC 6266: for old programs a name of ASCII, for all others the name. */
export function disposition (filename: string, kind: 'attachment' | 'inline'): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  return plain === filename ? `${kind}; filename="${plain}"` : `${kind}; filename="${plain}"; filename*=UTF-8''${encodeName(filename)}`
}

/** One component of a path; `encodeURIComponent` leaves letters that RFC 8187 wants encoded. */
export function encodeName (filename: string): string {
  return encodeURIComponent(filename).replace(/['()*!]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A name that says which content it is, where a file's own can't be said. */
export function standInName ({ digest }: Pick<Title, 'digest'>): string {
  return `${digest.slice(DIGEST_PREFIX.length)}.bin`
}
