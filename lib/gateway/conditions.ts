/** Requests that want an answer only if something holds (RFC 9110, 13). */
import type { IncomingHttpHeaders } from 'node:http'

/** What there is, for comparing. */
export interface Validators {
  /** Strong, with its quotes. */
  etag: string
  /** In milliseconds, to the second; left out where it is not known. */
  modifiedMs?: number | undefined
}

/** @returns the status that a condition asks for, or undefined to go on */
export function statusFor (headers: IncomingHttpHeaders, { etag, modifiedMs }: Validators): 304 | 412 | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match !== undefined) {
    if (!hasTag(match, etag, false)) return 412
  } else if (isAfter(modifiedMs, headers['if-unmodified-since'])) return 412
  if (noneMatch !== undefined) return hasTag(noneMatch, etag, true) ? 304 : undefined
  return headers['if-modified-since'] !== undefined && isAfter(modifiedMs, headers['if-modified-since']) === false ? 304 : undefined
}

/** Whether a range is wanted of what there is now, and not of what there was: a weak tag says too little. */
export function isRangeWanted ({ 'if-range': condition }: IncomingHttpHeaders, { etag, modifiedMs }: Validators): boolean {
  if (condition === undefined) return true
  const text = String(condition)
  return text.startsWith('"') ? text === etag : modifiedMs !== undefined && Date.parse(text) === modifiedMs
}

/** Whether it was changed after a date; undefined where nothing is known of that. */
function isAfter (modifiedMs: number | undefined, date: string | undefined): boolean | undefined {
  const ms = Date.parse(date ?? '')
  return modifiedMs === undefined || Number.isNaN(ms) ? undefined : modifiedMs > ms
}

/** @param weakly whether a weak tag counts as the strong one */
function hasTag (header: string, etag: string, weakly: boolean): boolean {
  if (header.trim() === '*') return true
  return [...header.matchAll(/(W\/)?("[^"]*")/g)].some(([, weak, tag]) => tag === etag && (weakly || weak === undefined))
}
