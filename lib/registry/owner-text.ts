/**
 * A node's record of a content as it stands in Redis. There may be millions of them, so it is short: `TOKEN CONNECTION INPUT OUTPUT HTTP HOST FLAGS`,
 * numbers in base 36, 0 where it has no gateway, an address in base64url. The script that writes it adds the number of a claim.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { Owner, OwnerRecord } from '../tracker/registry.js'
import { OWNERS_AT_HAND } from './limits.js'

export const TOKEN_CHARACTERS = 13
const EXECUTABLE = 1
const ORIGIN = 2

/** An owner, and the token of the tracker that it is connected to. */
export interface DrawnOwner {
  owner: Owner
  token: string
}

/** @param holder `TOKEN CONNECTION` */
export function encodeOwner (holder: string, { inputPort, outputPort, httpPort = 0, host, executable, origin }: OwnerRecord): string {
  const flags = (executable === true ? EXECUTABLE : 0) + (origin === true ? ORIGIN : 0)
  return `${holder} ${inputPort.toString(36)} ${outputPort.toString(36)} ${httpPort.toString(36)} ${hostText(host)} ${flags}`
}

/** Owners by what they were read from: a node says the same of most of its files. */
export class OwnerReader {
  readonly #complete = new Map<string, DrawnOwner>()
  readonly #partial = new Map<string, DrawnOwner>()

  /** @param text complete ones, an empty line, partial ones; each a line for the name and one for what was encoded, with the number of its claim @param start where they begin */
  read (text: string, start = 0): DrawnOwner[] {
    const drawn: DrawnOwner[] = []
    let known = this.#complete
    for (let at = start; at < text.length;) {
      const nameEnd = text.indexOf('\n', at)
      if (nameEnd < 0) break
      if (nameEnd === at) {
        known = this.#partial
        at++
        continue
      }
      const newline = text.indexOf('\n', nameEnd + 1)
      const end = newline < 0 ? text.length : newline
      const owner = text.slice(at, end)
      drawn.push(known.get(owner) ?? this.#decode(owner, known))
      at = end + 1
    }
    return drawn
  }

  #decode (text: string, known: Map<string, DrawnOwner>): DrawnOwner {
    if (known.size >= OWNERS_AT_HAND) known.clear()
    // A copy: a part of a text keeps all of it in memory.
    const owner = Buffer.from(text).toString()
    const drawn = decodeOwner(owner, known === this.#complete)
    known.set(owner, drawn)
    return drawn
  }
}

function decodeOwner (lines: string, complete: boolean): DrawnOwner {
  const [name = '', text = ''] = lines.split('\n')
  const [token = '', , inputPort = '', outputPort = '', http = '0', host = '', flags = ''] = text.split(' ')
  const [httpPort, executable] = [parseInt(http, 36), (Number(flags) & EXECUTABLE) !== 0]
  return {
    token,
    owner: {
      name,
      host: decodeHost(host),
      inputPort: parseInt(inputPort, 36),
      outputPort: parseInt(outputPort, 36),
      complete,
      ...(executable && { executable }),
      ...(httpPort > 0 && { httpPort }),
    },
  }
}

/** One node after the other says where it is with each of its files. */
let last = { host: '', text: '' }

function hostText (host: string): string {
  if (host !== last.host) last = { host, text: encodeHost(host) }
  return last.text
}

/** 4 bytes for IPv4 and 16 for IPv6. An IPv6 address in full would make the hash of a file's owners twice as large. */
export function encodeHost (host: string): string {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number)).toString('base64url')
  if (!isIPv6(host) || host.includes('%')) return `=${Buffer.from(host).toString('base64url')}`
  const [head = '', tail] = dotless(host).split('::')
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  const groups = tail === undefined ? first : [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  const bytes = Buffer.alloc(16)
  groups.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i))
  return bytes.toString('base64url')
}

export function decodeHost (text: string): string {
  if (text.startsWith('=')) return Buffer.from(text.slice(1), 'base64url').toString()
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
  return shortened(groups)
}

/** `::ffff:1.2.3.4` in hex digits alone. */
function dotless (host: string): string {
  return host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
}

function groupsOf (text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))
}

/** The longest run of zeros as `::`, the way that it is usually written. */
function shortened (groups: string): string {
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1)
}
