/** How a request ends that is not answered with what it asked for. */
import { toPiecemealError, type ErrorCode } from '../protocol/errors.js'

/** An answer of its own, for what HTTP alone knows of. */
export class Refusal extends Error {
  readonly status: number
  readonly code: ErrorCode
  readonly headers: Record<string, string>

  constructor (status: number, code: ErrorCode, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

const STATUS: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ['E_USAGE', 400], ['E_NAME', 400],
  ['E_AUTH', 401], ['E_FORBIDDEN', 403],
  ['E_NO_OWNER', 404], ['E_NOT_SHARED', 404],
  ['E_CONFLICT', 409], ['E_IN_PROGRESS', 409], ['E_EXISTS', 412],
  ['E_NETWORK', 502], ['E_DIGEST', 502], ['E_PROTOCOL', 502], ['E_CHANGED', 502],
  ['E_TRACKER', 503], ['E_BUSY', 503], ['E_LIMIT', 503], ['E_INTERRUPTED', 503],
  ['E_TIMEOUT', 504], ['E_DISK_FULL', 507],
])
/** What a 503 says of when to come again. */
const RETRY_AFTER_S = '5'

/** What was thrown, as an answer. Of a defect nothing but that it is one. */
export function toRefusal (error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const ofFastify = statusOf(error)
  if (ofFastify !== undefined) return new Refusal(ofFastify, 'E_USAGE', (error as Error).message)
  const { code, message } = toPiecemealError(error)
  const status = STATUS.get(code) ?? 500
  return new Refusal(status, code, code === 'E_INTERNAL' ? 'internal error' : message, status === 503 ? { 'Retry-After': RETRY_AFTER_S } : {})
}

/** Of what fastify itself refuses: a body that is too long, or of no known type. */
function statusOf (error: unknown): number | undefined {
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined
}
