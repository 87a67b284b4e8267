/**
 * What stands before each file of a tar archive (POSIX.1-2001): a header of 512 bytes and, where a field
 * of it can't hold the truth, a header more with that as text.
 */
import type { Entry } from '../manifest/entry.js'

const BLOCK_BYTES = 512
/** Names of the header, and its largest number: 11 octal digits. */
const NAME_BYTES = 100
const MOST = 8 ** 11 - 1
/** An archive ends with two empty blocks. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES)

interface Member {
  name: string
  type: 'x' | '0' | '2' | '5'
  mode: number
  size?: number
  mtimeMs?: number
  target?: string
}

/** @param root what all paths begin with in the archive @param since seconds of the Unix clock, for what has no time of its own */
export function headerFor (entry: Entry, root: string, since: number): Buffer {
  const name = `${root}/${entry.path}`
  if (entry.kind === 'link') return headersOf({ name, type: '2', mode: 0o777, target: entry.target, mtimeMs: since * 1_000 })
  const { mtimeMs = since * 1_000 } = entry
  if (entry.kind === 'folder') return headersOf({ name: `${name}/`, type: '5', mode: 0o755, mtimeMs })
  return headersOf({ name, type: '0', mode: entry.isExecutable ? 0o755 : 0o644, size: entry.size, mtimeMs })
}

/** Of the folder that holds all. */
export function rootHeader (root: string, since: number): Buffer {
  return headersOf({ name: `${root}/`, type: '5', mode: 0o755, mtimeMs: since * 1_000 })
}

/** What follows a file up to the next block. */
export function paddingAfter (size: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES)
}

function headersOf (member: Member): Buffer {
  const records = recordsOf(member)
  if (records.length === 0) return headerOf(member)
  const text = Buffer.from(records.join(''))
  return Buffer.concat([headerOf({ name: 'pax', type: 'x', mode: 0o644, size: text.length }), text, paddingAfter(text.length), headerOf(member)])
}

function recordsOf ({ name, target = '', size = 0, mtimeMs = 0 }: Member): string[] {
  const records: string[] = []
  if (!fits(name)) records.push(recordOf('path', name))
  if (!fits(target)) records.push(recordOf('linkpath', target))
  if (size > MOST) records.push(recordOf('size', String(size)))
  if (mtimeMs % 1_000 !== 0 || mtimeMs < 0 || mtimeMs / 1_000 > MOST) records.push(recordOf('mtime', String(mtimeMs / 1_000)))
  return records
}

/** Whether every tar reads it from the header in the same way. */
function fits (text: string): boolean {
  return text.length <= NAME_BYTES && /^[\x20-\x7e]*$/.test(text)
}

/** `LENGTH KEY=VALUE\n`, and the length counts its own digits. */
function recordOf (key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + 1
  while (length !== bytes + String(length).length) length = bytes + String(length).length
  return `${length}${rest}`
}

function headerOf ({ name, type, mode, size = 0, mtimeMs = 0, target = '' }: Member): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES)
  const number = (value: number, at: number, digits: number): void => { header.write(value.toString(8).padStart(digits, '0'), at) }
  header.write(name, 0, NAME_BYTES)
  number(mode, 100, 7)
  number(0, 108, 7)
  number(0, 116, 7)
  number(size > MOST ? 0 : size, 124, 11)
  number(Math.min(MOST, Math.max(0, Math.floor(mtimeMs / 1_000))), 136, 11)
  // The checksum is of the header with blanks in its own place.
  header.write(' '.repeat(8), 148)
  header.write(type, 156)
  header.write(target, 157, NAME_BYTES)
  header.write('ustar\u000000', 257)
  number(header.reduce((sum, byte) => sum + byte, 0), 148, 6)
  header[154] = 0
  return header
}
