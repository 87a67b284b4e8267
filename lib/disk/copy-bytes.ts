/** Copies bytes from one open file to another: the next read is under way while the last is written. */
import type { FileHandle } from 'node:fs/promises'
import { atDisk } from './at-disk.js'
import { PiecemealError } from '../protocol/errors.js'
import { MiB } from '../protocol/units.js'
import { dataIn } from './write-fully.js'

const CHUNK_BYTES = 1 * MiB

export interface Span {
  file: FileHandle
  /** Where in it. */
  at: number
}

export class Copier {
  #buffers: Buffer[] = []
  #isStopped = false

  /** After the chunk at hand. What was to be copied is then not all there. */
  stop (): void {
    this.#isStopped = true
  }

  /**
   * @param to `isBlank`: nothing was ever written there, so that blocks of zeros are left out; at its end the file may then be too short
   * @throws E_IO if there are fewer bytes than that; what reading and writing throw.
   */
  async copy (from: Span, to: Span & { isBlank: boolean }, length: number): Promise<void> {
    this.#buffers = this.#buffers.length > 0 ? this.#buffers : [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)]
    let [filling, spare] = this.#buffers as [Buffer, Buffer]
    const read = async (at: number): Promise<{ bytesRead: number }> => await atDisk(async () => await from.file.read(filling, 0, Math.min(CHUNK_BYTES, length - at), from.at + at))
    let written: Promise<void> = Promise.resolve()
    for (let at = 0; at < length && !this.#isStopped;) {
      const [{ bytesRead }] = await Promise.all([read(at), written])
      if (bytesRead === 0) throw new PiecemealError('E_IO', 'a part file became shorter')
      written = (to.isBlank ? writeSparse : writeFully)(to.file, filling.subarray(0, bytesRead), to.at + at)
      // Observed in the next round, or below.
      written.catch(() => {})
      at += bytesRead;
      [filling, spare] = [spare, filling]
    }
    await written
  }
}

async function writeSparse (target: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (const { start, end } of dataIn(bytes, position)) await writeFully(target, bytes.subarray(start, end), position + start)
}

async function writeFully (target: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await atDisk(async () => await target.write(bytes, written, bytes.length - written, position + written))
    written += bytesWritten
  }
}
