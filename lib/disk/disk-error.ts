import { statfsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { outOfDescriptors, PiecemealError, systemCode } from '../protocol/errors.js'

/** A system error of a local file as one of the contract; `what` begins its message. */
export function toDiskError (error: unknown, what: string): PiecemealError {
  if (error instanceof PiecemealError) return error
  switch (diskCode(error)) {
    case 'ENOSPC': return new PiecemealError('E_DISK_FULL', `${what}: ${isOutOfInodes(error) ? NO_INODE : 'no room on the disk'}`, { cause: error })
    case 'EDQUOT': return new PiecemealError('E_DISK_FULL', `${what}: over the quota that this user has on the disk`, { cause: error })
    case 'EFBIG': return new PiecemealError('E_IO', `${what}: it is larger than the largest file that this file system, or a limit (ulimit -f), allows`, { cause: error })
    default: return outOfDescriptors(error, what) ?? new PiecemealError('E_IO', `${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

export const NO_INODE = 'the disk is out of inodes: it has room, but not for one more file'

/** The `code` of a system error. Node knows no name for a quota that is used up. */
export function diskCode (error: unknown): string | undefined {
  return error instanceof Error && 'errno' in error && error.errno === -constants.errno.EDQUOT ? 'EDQUOT' : systemCode(error)
}

/** A disk that has just said that it is full does not keep anybody waiting. */
function isOutOfInodes (error: unknown): boolean {
  if (!(error instanceof Error) || !('path' in error) || typeof error.path !== 'string') return false
  try {
    const { files, ffree } = statfsSync(dirname(error.path))
    return files > 0 && ffree === 0
  } catch {
    return false
  }
}
