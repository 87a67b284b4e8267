/**
 * What the bytes of a range are read from: a file that is shared, or the part files of one that is
 * still being downloaded.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { toDiskError } from '../disk/disk-error.js'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import type { PartialShare } from './partial-share.js'
import { SharedFile, type SharedFileOptions } from './shared-file.js'

/** Bytes in a row in an open file, and how they are read. */
export interface OpenExtent {
  range: ByteRange
  /** @returns how many bytes were read, at least one @throws E_CHANGED, E_BUSY, E_IO. */
  read: (into: Buffer, length: number, position: number) => number | Promise<number>
}

export interface Source {
  filename: string
  size: number
  digest: string
  /** Whether it is a file that is shared as a whole. */
  isWhole: boolean
  /**
   * The files that a range is in, one after the other; each is closed when the next is asked for.
   * What is wrong is thrown before the first one where it can be known by then.
   *
   * @throws E_NOT_SHARED, E_CHANGED, E_BUSY, E_LIMIT, E_IO.
   */
  extents: (range: ByteRange) => AsyncGenerator<OpenExtent>
}

function isNotShared (error: unknown): boolean {
  return error instanceof PiecemealError && error.code === 'E_NOT_SHARED'
}

export function sourceOfFile (options: SharedFileOptions): Source {
  async function * extents (range: ByteRange): AsyncGenerator<OpenExtent> {
    const file = new SharedFile(options)
    try {
      // No refusal for a piece that the disk does not give: the peer learns of it by fewer bytes than the header said, wherever in the range it is.
      await file.look(range.start).catch((error: unknown) => { if (!isNotShared(error)) throw error })
      yield { range, read: async (into, length, position) => await file.read(into, length, position) }
    } finally {
      await file.close()
    }
  }
  const { filename, size, digest } = options.share
  return { filename, size, digest, isWhole: true, extents }
}

/** @param moveMs how long to wait for the news where pieces are that were moved */
export function sourceOfParts (share: PartialShare, moveMs: number): Source {
  async function * extents ({ start, end }: ByteRange): AsyncGenerator<OpenExtent> {
    share.assertHas({ start, end })
    for (let at = start; at < end;) {
      const { fd, range } = await openPart(share, { start: at, end }, moveMs)
      try {
        yield { range, read: (into, length, position) => readPart(fd, into, length, position) }
      } finally {
        closeSync(fd)
      }
      at += range.end - range.start
    }
  }
  return { ...share.content, isWhole: false, extents }
}

/** A part file may go before it is told here where its pieces are now. */
async function openPart (share: PartialShare, wanted: ByteRange, moveMs: number): Promise<{ fd: number, range: ByteRange }> {
  for (;;) {
    const { path, range } = share.locate(wanted)
    try {
      return { fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), range }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toDiskError(error, 'cannot read a part file')
      await share.moved(Math.floor(wanted.start / share.content.pieceLength), path, moveMs)
    }
  }
}

function readPart (fd: number, into: Buffer, length: number, position: number): number {
  let bytesRead
  try {
    bytesRead = readSync(fd, into, 0, length, position)
  } catch (error) {
    throw toDiskError(error, 'cannot read a part file')
  }
  if (bytesRead === 0) throw new PiecemealError('E_CHANGED', 'a part file became shorter')
  return bytesRead
}
