/**
 * What the bytes of a range are read from: a file that is shared, or the part files of one that is
 * still being downloaded. Like the reads themselves (send-range.ts), opening them is synchronous.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { toDiskError } from '../disk/disk-error.js'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { assertUnchangedSync, openShareSync } from './open-share.js'
import type { PartialShare } from './partial-share.js'
import type { ServedFile } from './share-index.js'

/** Bytes in a row in an open file. */
export interface OpenExtent {
  fd: number
  range: ByteRange
}

export interface Source {
  filename: string
  size: number
  digest: string
  /** What was announced, if it is a file as a whole. */
  share?: ServedFile
  /**
   * The files that a range is in, one after the other; each is closed when the next is asked for.
   * What is wrong is thrown before the first one where it can be known by then.
   *
   * @throws E_NOT_SHARED, E_CHANGED, E_LIMIT, E_IO.
   */
  extents: (range: ByteRange) => AsyncGenerator<OpenExtent>
}

/** A part file goes right after it was told where its pieces are now. */
const MOVE_MS = 10
const MOVE_TRIES = 20

export function sourceOfFile (share: ServedFile, folder: string): Source {
  async function * extents (range: ByteRange): AsyncGenerator<OpenExtent> {
    const fd = openShareSync(folder, share)
    try {
      yield { fd, range }
      assertUnchangedSync(fd, share)
    } finally {
      closeSync(fd)
    }
  }
  const { filename, size, digest } = share
  return { filename, size, digest, share, extents }
}

export function sourceOfParts (share: PartialShare): Source {
  async function * extents ({ start, end }: ByteRange): AsyncGenerator<OpenExtent> {
    share.assertHas({ start, end })
    for (let at = start; at < end;) {
      const { fd, range } = await openPart(share, { start: at, end })
      try {
        yield { fd, range }
      } finally {
        closeSync(fd)
      }
      at += range.end - range.start
    }
  }
  return { ...share.content, extents }
}

async function openPart (share: PartialShare, wanted: ByteRange): Promise<OpenExtent> {
  for (let tries = 0; tries < MOVE_TRIES; tries++) {
    const { path, range } = share.locate(wanted)
    try {
      return { fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), range }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toDiskError(error, 'cannot read a part file')
      await sleep(MOVE_MS)
    }
  }
  throw new PiecemealError('E_NOT_SHARED', `${quote(share.content.filename)} is not shared here any more`)
}
