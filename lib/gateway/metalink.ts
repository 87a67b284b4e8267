/** Where else a file is to be had, and its SHA-256, for programs that fetch from several places and check what they got: RFC 5854 and 6249. */
import { formatAddress } from '../protocol/address.js'
import type { Sha256 } from '../reading/sha256.js'
import type { Title } from '../reading/readable.js'
import { encodeName, standInName } from './representation.js'

export const METALINK_TYPE = 'application/metalink4+xml'
export const METALINK_SUFFIX = '.meta4'

/** The gateways that have a file: ours as it was asked, then those of its owners. @param origin `http://host:port` */
export function urlsOf (title: Title, origin: string): string[] {
  const path = `/files/${encodeName(title.filename)}?digest=${title.digest}`
  const scheme = origin.slice(0, origin.indexOf(':'))
  const others = title.owners.flatMap(({ host, httpPort }) => httpPort === undefined ? [] : [`${scheme}://${formatAddress({ host, port: httpPort })}`])
  return [...new Set([origin, ...others])].map((gateway) => gateway + path)
}

/** For the header `Link`. */
export function linksOf (title: Title, urls: readonly string[]): string[] {
  const metalink = `</files/${encodeName(title.filename)}?format=meta4&digest=${title.digest}>; rel=describedby; type="${METALINK_TYPE}"`
  return [metalink, ...urls.slice(1).map((url, i) => `<${url}>; rel=duplicate; pri=${i + 2}`)]
}

export function metalink (title: Title, urls: readonly string[], sha256: Sha256 | undefined): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <generator>piecemeal</generator>
  <file name="${escape(nameFor(title))}">
    <size>${title.size}</size>
${hashes(sha256)}
${urls.map((url, i) => `    <url priority="${i + 1}">${escape(url)}</url>`).join('\n')}
  </file>
</metalink>
`
}

/** Pieces beside the whole, so that a wrong byte costs a piece. */
function hashes (sha256: Sha256 | undefined): string {
  if (sha256 === undefined) return '    <description>The SHA-256 of this file is not known to this node, so there is no hash to check it by.</description>'
  const { whole, pieces, pieceLength } = sha256
  const list = pieces.map((piece) => `      <hash>${piece.toString('hex')}</hash>`).join('\n')
  return `    <hash type="sha-256">${whole.toString('hex')}</hash>\n    <pieces length="${pieceLength}" type="sha-256">\n${list}\n    </pieces>`
}

/** A name that XML can't hold, or that is a path to somebody, has a stand-in; its URL has the true one. */
function nameFor (title: Title): string {
  // eslint-disable-next-line no-control-regex -- characters that XML has no way to write
  return /[\u0000-\u001f\ufffe\uffff/\\]/.test(title.filename) ? standInName(title) : title.filename
}

const ENTITIES: ReadonlyMap<string, string> = new Map([['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['"', '&quot;'], ["'", '&apos;']])

export function escape (text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? character)
}
