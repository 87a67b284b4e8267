import type { FileHandle } from 'node:fs/promises'
import { identify, isSameFile, openOwnFile } from '../content/own-file.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { ServedFile } from './share-index.js'

/**
 * The file of a share, if it is still the one that was announced. The caller closes the handle.
 *
 * @throws E_CHANGED if anything else is in its place; E_LIMIT when out of descriptors, which says nothing about the file.
 */
export async function openShare (folder: string, share: ServedFile): Promise<FileHandle> {
  const { handle, identity } = await openOwnFile(folder, share.filename).catch((cause: unknown) => {
    if (cause instanceof PiecemealError && cause.code === 'E_LIMIT') throw cause
    throw changed(share, cause)
  })
  if (isSameFile(identity, share.identity)) return handle
  await handle.close()
  throw changed(share)
}

/** @throws E_CHANGED if the open file was written to, or replaced in its folder's place, since it was announced. */
export async function assertUnchanged (handle: FileHandle, share: ServedFile): Promise<void> {
  if (!isSameFile(await identify(handle), share.identity)) throw changed(share)
}

function changed (share: ServedFile, cause?: unknown): PiecemealError {
  return new PiecemealError('E_CHANGED', `${quote(share.filename)} has changed since it was announced`, { cause })
}
