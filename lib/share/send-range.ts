/** The bytes of a range from a file to a socket: the next read is under way while the last one is sent. */
import type { FileHandle } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/limits.js'

/** Two of these are all the memory that a stream takes. */
const CHUNK_BYTES = 1 * MiB

/** @throws E_CHANGED if the file ends before the range; E_NETWORK if the peer does not take it all. */
export async function sendRange (socket: Socket, handle: FileHandle, { start, end }: ByteRange, onSent: (bytes: number) => void): Promise<void> {
  const chunkBytes = Math.min(CHUNK_BYTES, end - start)
  let filling = Buffer.allocUnsafeSlow(chunkBytes)
  let sending = Buffer.allocUnsafeSlow(end - start > chunkBytes ? chunkBytes : 0)
  let sent: Promise<void> = Promise.resolve()
  for (let at = start; at < end;) {
    const [{ bytesRead }] = await Promise.all([handle.read(filling, 0, Math.min(chunkBytes, end - at), at), sent])
    if (bytesRead === 0) throw new PiecemealError('E_CHANGED', 'the file became shorter')
    const chunk = filling.subarray(0, bytesRead)
    sent = write(socket, chunk).then(() => onSent(chunk.length))
    // Observed in the next round, or below; without this a failure in between would count as unhandled.
    sent.catch(() => {})
    at += bytesRead;
    [filling, sending] = [sending, filling]
  }
  await sent
}

async function write (socket: Socket, chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new PiecemealError('E_NETWORK', 'the peer went away'))
    if (socket.destroyed) return fail()
    socket.once('close', fail)
    socket.write(chunk, (error) => {
      socket.off('close', fail)
      if (error) fail()
      else resolve()
    })
  })
}
