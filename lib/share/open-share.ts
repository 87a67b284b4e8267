import { closeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { identifySync, isSameFile, openOwnFile, openOwnFileSync } from '../disk/own-file.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { ServedFile } from './share-index.js'

/**
 * The file of a share, if it is still the one that was announced. The caller closes the handle.
 *
 * @throws E_CHANGED if anything else is in its place; E_LIMIT when out of descriptors, which says nothing about the file.
 */
export async function openShare (folder: string, share: ServedFile): Promise<FileHandle> {
  const { handle, identity } = await openOwnFile(folder, share.filename).catch((cause: unknown) => { throw openError(share, cause) })
  if (isSameFile(identity, share.identity)) return handle
  await handle.close()
  throw changed(share)
}

/** The same in a thread that may wait for the disk. @returns a descriptor, which the caller closes */
export function openShareSync (folder: string, share: ServedFile): number {
  const { fd, identity } = openOrTellSync(folder, share)
  if (isSameFile(identity, share.identity)) return fd
  closeSync(fd)
  throw changed(share)
}

function openOrTellSync (folder: string, share: ServedFile): ReturnType<typeof openOwnFileSync> {
  try {
    return openOwnFileSync(folder, share.filename)
  } catch (cause) {
    throw openError(share, cause)
  }
}

/** @throws E_CHANGED if the open file was written to, or replaced in its folder's place, since it was announced. */
export function assertUnchangedSync (fd: number, share: ServedFile): void {
  if (!isSameFile(identifySync(fd), share.identity)) throw changed(share)
}

function openError (share: ServedFile, cause: unknown): PiecemealError {
  return cause instanceof PiecemealError && cause.code === 'E_LIMIT' ? cause : changed(share, cause)
}

function changed (share: ServedFile, cause?: unknown): PiecemealError {
  return new PiecemealError('E_CHANGED', `${quote(share.filename)} has changed since it was announced`, { cause })
}
