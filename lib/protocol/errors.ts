/** The error codes of the contract, each with the exit status a command ends with. */
export const EXIT_STATUS = {
  E_INTERNAL: 1,
  E_USAGE: 2,
  E_NO_OWNER: 3,
  E_NOT_SHARED: 4,
  E_DIGEST: 8,
  E_CONFLICT: 9,
  E_NETWORK: 10,
  E_IO: 11,
  E_PROTOCOL: 12,
  E_EXISTS: 13,
  E_IN_PROGRESS: 15,
  E_NAME: 16,
  E_FORBIDDEN: 17,
  E_PORT: 18,
  E_BUSY: 19,
  E_INTERRUPTED: 20,
  E_WORKER: 21,
  E_AUTH: 22,
  E_LIMIT: 23,
  E_CHANGED: 24,
  E_NAME_TAKEN: 25,
  E_DISK_FULL: 28,
  E_TIMEOUT: 30,
  E_TRACKER: 35,
  E_REGISTRY: 36,
} as const

export type ErrorCode = keyof typeof EXIT_STATUS

const CODES: ReadonlySet<string> = new Set(Object.keys(EXIT_STATUS))

export function isErrorCode (code: unknown): code is ErrorCode {
  return typeof code === 'string' && CODES.has(code)
}

/** What an error looks like in a message, and between threads, where classes are lost. */
export interface ErrorData {
  code: ErrorCode
  message: string
}

/** Anything this project throws on purpose: a code of the contract and a message for people. */
export class PiecemealError extends Error {
  override readonly name = 'PiecemealError'
  readonly code: ErrorCode
  /** Whether a connection is closed after this refusal: its next line can't be trusted to be one. */
  readonly endsConnection: boolean

  constructor (code: ErrorCode, message: string, options: ErrorOptions & { endsConnection?: boolean } = {}) {
    super(message, options)
    this.code = code
    this.endsConnection = options.endsConnection ?? code === 'E_PROTOCOL'
  }

  get exitStatus (): number {
    return EXIT_STATUS[this.code]
  }
}

/** Several contents go by one name; `versions` says which. */
export class ConflictError extends PiecemealError {
  readonly versions: readonly Version[]

  constructor (message: string, versions: readonly Version[]) {
    super('E_CONFLICT', message)
    this.versions = versions
  }
}

/** One of several contents under a name; `owners` is how many nodes have it. */
export interface Version {
  digest: string
  size: number
  owners: number
}

/** Whatever was thrown, as an error of the contract: what is not one already becomes `E_INTERNAL`. */
export function toPiecemealError (error: unknown): PiecemealError {
  if (error instanceof PiecemealError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new PiecemealError('E_INTERNAL', message, { cause: error })
}

/** For a peer: an error of ours in full, anything else without its details. */
export function toErrorData (error: unknown): ErrorData {
  if (error instanceof PiecemealError && error.code !== 'E_INTERNAL') {
    return { code: error.code, message: error.message }
  }
  return { code: 'E_INTERNAL', message: 'internal error' }
}

/** The `code` of a Node system error such as `ENOENT`, or undefined. */
export function systemCode (error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * E_LIMIT with the remedy, where the system is out of descriptors: whatever was tried, it is the same
 * trouble, and this machine's own. `what` begins its message.
 */
export function outOfDescriptors (error: unknown, what: string): PiecemealError | undefined {
  const code = systemCode(error)
  // A thread that can't have its own is told of in words alone.
  const isThread = code === 'ERR_WORKER_INIT_FAILED' && error instanceof Error && /\bE[MN]FILE\b/.test(error.message)
  if (code !== 'EMFILE' && code !== 'ENFILE' && !isThread) return undefined
  return new PiecemealError('E_LIMIT', `${what}: out of file descriptors, raise ulimit -n`, { cause: error })
}
