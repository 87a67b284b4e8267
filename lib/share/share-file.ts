/** From a name to a share: opened, digested or remembered, and still the same file afterwards. */
import { identify, isSameFile, openOwnFile } from '../disk/own-file.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { DigestCache } from '../disk/digest-cache.js'
import { digestFile, type DigestOptions } from './digest-file.js'
import type { Share } from './share-index.js'

export interface ShareFileOptions extends DigestOptions {
  cache: Pick<DigestCache, 'get' | 'put'>
}

/** @throws E_IO, E_FORBIDDEN; E_CHANGED if the file was written to meanwhile. */
export async function shareFile ({ filename, path }: Pick<Share, 'filename' | 'path'>, { cache, ...digestOptions }: ShareFileOptions): Promise<Share> {
  const { handle, identity } = await openOwnFile(path)
  try {
    const remembered = await cache.get(path, identity)
    if (remembered) return { filename, path, identity, ...remembered }
    const content = await digestFile(handle, Number(identity.size), digestOptions)
    if (!isSameFile(await identify(handle), identity)) throw new PiecemealError('E_CHANGED', `${quote(filename)} was written to while it was digested`)
    // Being slower next time is no reason to fail now.
    await cache.put(path, identity, content).catch(() => {})
    return { filename, path, identity, ...content }
  } finally {
    await handle.close()
  }
}
