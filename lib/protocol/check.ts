/**
 * Small validators for what comes off the wire. A message is described once, as a record of
 * checks, and its type is derived from that; only declared fields are copied, so a peer's
 * `__proto__` or a field nobody asked for never gets further than here.
 */
import { Buffer } from 'node:buffer'
import { isDigest, isDigestQuestion, type Kind } from './content.js'
import { PiecemealError } from './errors.js'
import { assertFileName, assertNodeName } from './names.js'

/** Returns the value, now known to be a T. @throws E_PROTOCOL, or E_NAME for a bad name. */
export type Check<T> = (value: unknown, field: string) => T
export type Shape = Record<string, Check<unknown>>
type OptionalKeys<S extends Shape> = { [K in keyof S]: undefined extends ReturnType<S[K]> ? K : never }[keyof S]
export type Checked<S extends Shape> =
  { [K in Exclude<keyof S, OptionalKeys<S>>]: ReturnType<S[K]> } &
  { [K in OptionalKeys<S>]?: Exclude<ReturnType<S[K]>, undefined> }

export function protocolError (message: string): PiecemealError {
  return new PiecemealError('E_PROTOCOL', message)
}

/** The declared fields of `value`, each checked. */
export function checkShape<S extends Shape> (shape: S, value: unknown): Checked<S> {
  if (!isObject(value)) throw protocolError('the message is no JSON object')
  const result: Record<string, unknown> = {}
  for (const [field, check] of Object.entries(shape)) {
    const checked = check(Object.hasOwn(value, field) ? value[field] : undefined, field)
    if (checked !== undefined) result[field] = checked
  }
  return result as Checked<S>
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function literal<T extends string | number | boolean> (expected: T): Check<T> {
  return (value, field) => {
    if (value !== expected) throw protocolError(`"${field}" must be ${JSON.stringify(expected)}`)
    return expected
  }
}

export const string: Check<string> = (value, field) => {
  if (typeof value !== 'string') throw protocolError(`"${field}" must be a string`)
  return value
}

export const boolean: Check<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw protocolError(`"${field}" must be true or false`)
  return value
}

/** A whole number from `least` to `most` that survives the way through a double. */
export function integer (least: number, most: number): Check<number> {
  return (value, field) => {
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw protocolError(`"${field}" must be a whole number from ${least} to ${most}`)
    }
    return value as number
  }
}

export const bytes = integer(0, Number.MAX_SAFE_INTEGER)
export const port = integer(1, 65_535)

function wellFormed (value: unknown, field: string): string {
  const name = string(value, field)
  if (name.isWellFormed()) return name
  throw new PiecemealError('E_NAME', `"${field}" is not well-formed Unicode`, { endsConnection: true })
}

export const fileName: Check<string> = (value, field) => {
  const name = wellFormed(value, field)
  assertFileName(name)
  return name
}

export const nodeName: Check<string> = (value, field) => {
  const name = wellFormed(value, field)
  assertNodeName(name)
  return name
}

export const digest: Check<string> = (value, field) => {
  const text = string(value, field)
  if (!isDigest(text)) throw protocolError(`"${field}" must be blake3: and 64 hex digits`)
  return text
}

export const digestQuestion: Check<string> = (value, field) => {
  const text = string(value, field)
  if (!isDigestQuestion(text)) throw protocolError(`"${field}" must be a digest or its first 8 or more hex digits`)
  return text
}

/** So many bytes, as hex digits in lower case. */
export function hex (bytes: number): Check<string> {
  const pattern = new RegExp(`^[0-9a-f]{${2 * bytes}}$`)
  return (value, field) => {
    const text = string(value, field)
    if (!pattern.test(text)) throw protocolError(`"${field}" must be ${2 * bytes} hex digits`)
    return text
  }
}

/** Base64 of exactly the bytes it stands for: Node's own decoder skips over anything. */
export const base64: Check<Buffer> = (value, field) => {
  const text = string(value, field)
  const decoded = Buffer.from(text, 'base64')
  if (decoded.toString('base64') !== text) throw protocolError(`"${field}" must be base64`)
  return decoded
}

/** What is no file. One that came later breaks no contract: the connection goes on. */
export const kind: Check<Kind> = (value, field) => {
  if (value === 'folder') return value
  const name = string(value, field).slice(0, 64)
  throw new PiecemealError('E_PROTOCOL', `a ${JSON.stringify(name)} is a kind of content that needs a newer piecemeal`, { endsConnection: false })
}

export function optional<T> (check: Check<T>): Check<T | undefined> {
  return (value, field) => value === undefined ? undefined : check(value, field)
}

export function array<T> (check: Check<T>, most: number): Check<T[]> {
  return (value, field) => {
    if (!Array.isArray(value) || value.length > most) throw protocolError(`"${field}" must be an array of at most ${most}`)
    return value.map((item) => check(item, field))
  }
}

/** An array of so many, each with a check of its own. */
export function tuple<T extends unknown[]> (...checks: { [K in keyof T]: Check<T[K]> }): Check<T> {
  return (value, field) => {
    if (!Array.isArray(value) || value.length !== checks.length) throw protocolError(`"${field}" must be an array of ${checks.length}`)
    return checks.map((check, i) => check(value[i], field)) as T
  }
}

export function object<S extends Shape> (shape: S): Check<Checked<S>> {
  return (value) => checkShape(shape, value)
}
