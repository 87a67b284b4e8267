import { isUtf8 } from 'node:buffer'
import { isObject, protocolError } from './check.js'
import { PiecemealError } from './errors.js'
import { JSON_DEPTH } from './limits.js'
import { isAlert } from './tls-record.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c

export function encodeLine (message: object): string {
  return `${JSON.stringify(message)}\n`
}

/** @throws E_PROTOCOL unless the line is one JSON object, nested no deeper than 8, else E_LIMIT; E_AUTH if it is a TLS alert. */
export function decodeLine (line: string): Record<string, unknown> {
  if (isAlert(line)) throw new PiecemealError('E_AUTH', 'the other side wants a secret', { endsConnection: true })
  if (isNestedDeeperThan(JSON_DEPTH, line)) throw new PiecemealError('E_LIMIT', `the message is nested deeper than ${JSON_DEPTH}`)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw protocolError('the line is no JSON')
  }
  if (!isObject(value)) throw protocolError('the line is no JSON object')
  return value
}

/** The same for bytes that were not decoded yet. */
export function decodeLineBytes (line: Uint8Array): Record<string, unknown> {
  if (!isUtf8(line)) throw protocolError('the line is not UTF-8')
  return decodeLine(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString())
}

/** Counted before `JSON.parse`, so that 64 KiB of brackets are never built. */
function isNestedDeeperThan (most: number, json: string): boolean {
  if (json.length <= most) return false
  let depth = 0
  let isInString = false
  for (let i = 0; i < json.length; i++) {
    const character = json.charCodeAt(i)
    if (isInString) {
      if (character === BACKSLASH) i++
      else if (character === QUOTE) isInString = false
    } else if (character === QUOTE) {
      isInString = true
    } else if (character === 0x7b || character === 0x5b) {
      if (++depth > most) return true
    } else if (character === 0x7d || character === 0x5d) {
      depth--
    }
  }
  return false
}
