/**
 * A ticket: where a tracker is, the secret that lets one in, and what it is about, as one word that is
 * typed or pasted. `pm1` and Crockford's base32, which has no letters that look alike; in groups of five.
 *
 * Bytes: how many addresses less one; each address (4 or 6 and its bytes, or 0, a length and a host
 * name), the tracker's port after the first; 16 of secret; 8 of digest; 3 of checksum.
 */
import { isIP } from 'node:net'
import { blake3 } from '@napi-rs/blake-hash'
import type { Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { MOST_TICKET_ADDRESSES, TICKET_SECRET_BYTES } from '../protocol/limits.js'

export interface Ticket {
  /** All of the one tracker. */
  hosts: readonly string[]
  port: number
  /** 16 bytes, which keys are derived from. */
  secret: Uint8Array
  /** The first 8 bytes of what it is about: `ticketDigest`. */
  digest: Uint8Array
}

const PREFIX = 'pm1'
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]))
const LOOKALIKES: Record<string, string> = { o: '0', i: '1', l: '1' }
const LETTER_BITS = 5
const GROUP = /.{1,5}/g
const DIGEST_BYTES = 8
const CHECKSUM_BYTES = 3
const HOST_NAME_KIND = 0
const HOST_NAME = /^[\x21-\x7e]{1,253}$/
/** Of whatever might be meant as one: it is never sent anywhere as a name. */
const LOOKS_LIKE_ONE = /^p-*m[0-9a-z-]*$/i
const LEAST_LETTERS = 40
/** Its first letters mistyped, or not copied: the groups of five are still there. */
const GROUPED_LIKE_ONE = /^[0-9a-z]{1,5}(?:-[0-9a-z]{5}){7,}(?:-[0-9a-z]{1,4})?$/i

/** Whether a word is a ticket, or a mistyped one, and no name. */
export function looksLikeTicket (word: string): boolean {
  return word.length >= LEAST_LETTERS && (LOOKS_LIKE_ONE.test(word) || GROUPED_LIKE_ONE.test(word))
}

export function formatTicket ({ hosts, port, secret, digest }: Ticket): string {
  const portBytes = Buffer.alloc(2)
  portBytes.writeUInt16BE(port)
  const [first, ...others] = hosts.map(hostBytes)
  if (first === undefined || hosts.length > MOST_TICKET_ADDRESSES) throw new Error(`a ticket has 1 to ${MOST_TICKET_ADDRESSES} addresses`)
  const bytes = Buffer.concat([Buffer.of(others.length), first, portBytes, ...others, secret, digest.subarray(0, DIGEST_BYTES)])
  const groups = toLetters(Buffer.concat([bytes, checksum(bytes)])).match(GROUP) ?? []
  return [PREFIX, ...groups].join('-')
}

/** @throws E_USAGE for what is none, or was mistyped. */
export function parseTicket (text: string): Ticket {
  const word = text.toLowerCase().replaceAll('-', '').replace(/[oil]/g, (letter) => LOOKALIKES[letter] ?? letter)
  if (!word.startsWith(PREFIX)) throw mistyped()
  const bytes = fromLetters(word.slice(PREFIX.length))
  const body = bytes.subarray(0, -CHECKSUM_BYTES)
  if (bytes.length <= CHECKSUM_BYTES || !checksum(body).equals(bytes.subarray(-CHECKSUM_BYTES))) throw mistyped()
  const reader = new Reader(body)
  const count = reader.take(1).readUInt8() + 1
  if (count > MOST_TICKET_ADDRESSES) throw mistyped()
  const hosts = [reader.host()]
  const port = reader.take(2).readUInt16BE()
  while (hosts.length < count) hosts.push(reader.host())
  const [secret, digest] = [reader.take(TICKET_SECRET_BYTES), reader.take(DIGEST_BYTES)]
  if (port === 0 || reader.left > 0) throw mistyped()
  return { hosts, port, secret, digest }
}

export function addressesIn ({ hosts, port }: Pick<Ticket, 'hosts' | 'port'>): Address[] {
  return hosts.map((host) => ({ host, port }))
}

/** What the items of a share are known by: the digest of one itself, of several that of the sorted lines `NAME digest`. */
export function ticketDigest (items: ReadonlyArray<{ filename: string, digest: string }>): Buffer {
  const [only] = items
  if (only !== undefined && items.length === 1) return Buffer.from(only.digest.replace(/^blake3:/, ''), 'hex').subarray(0, DIGEST_BYTES)
  const lines = items.map(({ filename, digest }) => Buffer.from(`${filename} ${digest}\n`)).sort(Buffer.compare)
  return blake3(Buffer.concat(lines)).subarray(0, DIGEST_BYTES)
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor (bytes: Buffer) {
    this.#bytes = bytes
  }

  get left (): number {
    return this.#bytes.length - this.#at
  }

  take (count: number): Buffer {
    if (this.left < count) throw mistyped()
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  host (): string {
    const kind = this.take(1).readUInt8()
    switch (kind) {
      case 4: return this.take(4).join('.')
      case 6: return formatIPv6(this.take(16))
      case HOST_NAME_KIND: {
        const name = this.take(this.take(1).readUInt8()).toString('latin1')
        if (HOST_NAME.test(name)) return name
        throw mistyped()
      }
      default: throw mistyped()
    }
  }
}

function hostBytes (host: string): Buffer {
  switch (isIP(host)) {
    case 4: return Buffer.of(4, ...host.split('.').map(Number))
    case 6: return Buffer.from([6, ...parseIPv6(host)])
    default: {
      if (!HOST_NAME.test(host)) throw new PiecemealError('E_USAGE', `${JSON.stringify(host)} can't be put into a ticket: an address, or a name of at most 253 plain letters`)
      return Buffer.from([HOST_NAME_KIND, host.length, ...Buffer.from(host, 'latin1')])
    }
  }
}

/** The URL parser of the platform knows every form of one. */
function parseIPv6 (host: string): number[] {
  const full = new URL(`http://[${host}]`).hostname.slice(1, -1)
  const [head = '', tail] = full.split('::')
  const [front, back] = [head, tail ?? ''].map((part) => part === '' ? [] : part.split(':')) as [string[], string[]]
  const middle = Array<string>(8 - front.length - back.length).fill('0')
  return [...front, ...middle, ...back].flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff])
}

function formatIPv6 (bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function checksum (bytes: Buffer): Buffer {
  return blake3(Buffer.concat([Buffer.from(PREFIX), bytes])).subarray(0, CHECKSUM_BYTES)
}

function toLetters (bytes: Buffer): string {
  let [letters, value, bits] = ['', 0, 0]
  for (const byte of bytes) {
    value = (value << 8 | byte) & 0xfff
    for (bits += 8; bits >= LETTER_BITS; bits -= LETTER_BITS) letters += ALPHABET[value >> (bits - LETTER_BITS) & 31]
  }
  return bits > 0 ? letters + ALPHABET[value << (LETTER_BITS - bits) & 31] : letters
}

/** Each text has one meaning: what fills the last letter is 0, and there is no letter more than there has to be. */
function fromLetters (letters: string): Buffer {
  const bytes: number[] = []
  let [value, bits] = [0, 0]
  for (const letter of letters) {
    const five = VALUES.get(letter)
    if (five === undefined) throw mistyped()
    value = (value << LETTER_BITS | five) & 0xfff
    bits += LETTER_BITS
    if (bits < 8) continue
    bits -= 8
    bytes.push(value >> bits & 0xff)
  }
  if (bits >= LETTER_BITS || (value & (1 << bits) - 1) !== 0) throw mistyped()
  return Buffer.from(bytes)
}

/** Without its text: a ticket with one wrong letter is still nearly all of a secret. */
function mistyped (): PiecemealError {
  return new PiecemealError('E_USAGE', 'this ticket is mistyped or cut off: copy all of the line that "piecemeal share" printed; a file of such a name is asked for with --file')
}
