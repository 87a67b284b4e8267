/** A file that somebody sends us, byte by byte: in the hidden folder until it is whole and on the disk. */
import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { receivedName } from './hidden.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

export interface Receiving {
  filename: string
  hiddenFolder: string
  /** What comes; it throws where that ends before its end. */
  bytes: AsyncIterable<Buffer>
  mostBytes: number
}

/** @returns its path, which the caller renames or removes @throws E_LIMIT if there is more than that; E_DISK_FULL, E_IO, or what the bytes throw, and nothing is left then */
export async function receiveFile ({ filename, hiddenFolder, bytes, mostBytes }: Receiving): Promise<string> {
  const path = join(hiddenFolder, receivedName(randomBytes(8)))
  const toError = (error: unknown): PiecemealError => toDiskError(error, `cannot write ${quote(filename)}`)
  const handle = await atDisk(async () => await open(path, 'wx')).catch((error: unknown) => { throw toError(error) })
  let received = 0
  try {
    for await (const chunk of bytes) {
      received += chunk.length
      if (received > mostBytes) throw new PiecemealError('E_LIMIT', `${quote(filename)} is larger than the ${mostBytes} bytes that may be written here`)
      await atDisk(async () => { await handle.writeFile(chunk) }).catch((error: unknown) => { throw toError(error) })
    }
    await atDisk(async () => { await handle.sync() }).catch((error: unknown) => { throw toError(error) })
    await handle.close()
    return path
  } catch (error) {
    await handle.close().catch(() => {})
    await atDisk(async () => { await rm(path, { force: true }) }).catch(() => {})
    throw error
  }
}
