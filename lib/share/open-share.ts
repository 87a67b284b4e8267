/** Whether the file of a share can still be what was announced, as far as that is seen without reading it. */
import { closeSync, lstatSync } from 'node:fs'
import { identifyOwnFile, openOwnFileSync, type FileIdentity } from '../disk/own-file.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { ServedFile } from './share-index.js'

/**
 * The file as it is now, without opening it.
 *
 * @throws E_CHANGED if it is gone, is no regular file any more, or has another size; E_IO, which says nothing about it.
 */
export async function identifyShare (share: ServedFile): Promise<FileIdentity> {
  return assertSize(share, await identifyOwnFile(share.path).catch((cause: unknown) => { throw openError(share, cause) }))
}

/**
 * The same of the open file, in a thread that may wait for the disk. The caller closes the descriptor.
 *
 * @throws E_CHANGED also if it may not be read any more; E_LIMIT when out of descriptors.
 */
export function openShareSync (share: ServedFile): { fd: number, identity: FileIdentity } {
  const { fd, identity } = openOrTellSync(share)
  try {
    return { fd, identity: assertSize(share, identity) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Whether the file that was opened is the one that goes by the share's name now. */
export function isInPlaceSync ({ path }: ServedFile, { dev, ino }: FileIdentity): boolean {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.dev === dev && stats.ino === ino
}

export function changed ({ filename }: Pick<ServedFile, 'filename'>, cause?: unknown): PiecemealError {
  return new PiecemealError('E_CHANGED', `${quote(filename)} has changed since it was announced`, { cause })
}

function openOrTellSync (share: ServedFile): ReturnType<typeof openOwnFileSync> {
  try {
    return openOwnFileSync(share.path)
  } catch (cause) {
    throw openError(share, cause)
  }
}

function assertSize (share: ServedFile, identity: FileIdentity): FileIdentity {
  if (identity.size !== BigInt(share.size)) throw changed(share)
  return identity
}

/** A disk that fails, or a lack of descriptors, says nothing about the file. */
function openError (share: ServedFile, error: unknown): unknown {
  if (!(error instanceof PiecemealError)) return error
  const isGone = error.code === 'E_FORBIDDEN' || ['ENOENT', 'ENOTDIR'].includes(systemCode(error.cause) ?? '')
  return isGone ? changed(share, error) : error
}
