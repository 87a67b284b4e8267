import * as check from './check.js'
import { isErrorCode, PiecemealError, type ErrorCode } from './errors.js'

/** What an owner may refuse a request with. Any other code would be taken for trouble of this machine. An owner that is at a limit is busy. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_NOT_SHARED', 'E_CHANGED', 'E_FORBIDDEN', 'E_BUSY', 'E_NAME', 'E_AUTH',
])

/** @throws the error that an owner's line carries, if it carries one; E_PROTOCOL for one that makes no sense. */
export function throwOnOwnerRefusal (value: Record<string, unknown>): void {
  if (value.error === undefined) return
  const { code, message } = check.checkShape({ code: check.string, message: check.string }, value.error)
  const short = message.slice(0, 1_000)
  if (code === 'E_LIMIT') throw new PiecemealError('E_BUSY', short)
  if (isErrorCode(code) && REFUSALS.has(code)) throw new PiecemealError(code, short)
  throw check.protocolError(`the owner failed: ${short}`)
}
