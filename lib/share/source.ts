/**
 * What the bytes of a range are read from: a file that is shared, or the part files of one that is
 * still being downloaded.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { FileLayout, type Layout } from '../content/layout.js'
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
  /** Of all that can be asked for. */
  size: number
  digest: string
  /** Where its pieces are, if all of them are here. */
  whole?: Layout
  /**
   * The files that the ranges are in, one after the other; each is closed when the next is asked for.
   * What is wrong is thrown before the first one where it can be known by then.
   *
   * @throws E_NOT_SHARED, E_CHANGED, E_BUSY, E_LIMIT, E_IO.
   */
  extents: (ranges: readonly ByteRange[]) => AsyncGenerator<OpenExtent>
}

function isNotShared (error: unknown): boolean {
  return error instanceof PiecemealError && error.code === 'E_NOT_SHARED'
}

export function sourceOfFile (options: SharedFileOptions): Source {
  async function * extents (ranges: readonly ByteRange[]): AsyncGenerator<OpenExtent> {
    const file = new SharedFile(options)
    try {
      // No refusal for a piece that the disk does not give: the peer learns of it by fewer bytes than the header said, wherever in the range it is.
      await file.look(ranges[0]?.start ?? 0).catch((error: unknown) => { if (!isNotShared(error)) throw error })
      for (const range of ranges) yield { range, read: async (into, length, position) => await file.read(into, length, position) }
    } finally {
      await file.close()
    }
  }
  const { filename, size, digest, pieceLength } = options.share
  return { filename, size, digest, whole: new FileLayout(size, pieceLength), extents }
}

/** @param moveMs how long to wait for the news where pieces are that were moved */
export function sourceOfParts (share: PartialShare, moveMs: number): Source {
  async function * extents (ranges: readonly ByteRange[]): AsyncGenerator<OpenExtent> {
    share.assertHas(ranges)
    for (const { start, end } of ranges) {
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
  }
  const { filename, digest } = share.content
  return { filename, size: share.layout.size, digest, extents }
}

/** A part file may go before it is told here where its pieces are now. */
async function openPart (share: PartialShare, wanted: ByteRange, moveMs: number): Promise<{ fd: number, range: ByteRange }> {
  for (;;) {
    const { path, range } = share.locate(wanted)
    try {
      return { fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), range }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toDiskError(error, 'cannot read a part file')
      await share.moved(share.layout.pieceAt(wanted.start), path, moveMs)
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
