/** The manifest of a folder, fetched as a file is, from whoever has any piece of the folder; then read, and kept for the next try. */
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { blake3 } from '@napi-rs/blake-hash'
import { folderDigest } from '../content/digest.js'
import { PieceSet } from '../content/piece-set.js'
import { WantedFile } from '../content/wanted.js'
import { atDisk } from '../disk/at-disk.js'
import { toDiskError } from '../disk/disk-error.js'
import { Workspace } from '../disk/workspace.js'
import type { Manifest } from '../manifest/manifest.js'
import { ManifestReader } from '../manifest/manifest-reader.js'
import { MANIFEST_BYTES, MIN_PIECE_BYTES } from '../protocol/limits.js'
import { PiecemealError, systemCode, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { DownloadContext } from './context.js'
import type { Plan } from './find-piece-list.js'
import { landingOf } from './landing.js'
import type { Course } from './plan.js'
import { Transfer } from './transfer.js'

/**
 * @param path where it is kept
 * @throws E_PROTOCOL, E_NAME, E_FORBIDDEN, E_LIMIT if it is none that may be; whatever a transfer ends with.
 */
export async function fetchManifest (plan: Plan, path: string, course: Course, context: DownloadContext): Promise<Manifest> {
  const { digest, filename } = plan.found
  const kept = await readManifest(path, digest)
  if (kept) return kept
  await fetch(plan, path, course, context)
  const manifest = await readManifest(path, digest)
  if (manifest === undefined) throw new PiecemealError('E_IO', `what has come of the manifest of ${quote(filename)} is another thing on the disk`)
  return manifest
}

async function fetch ({ found, pieces, liars, roundTrip }: Plan, path: string, course: Course, context: DownloadContext): Promise<void> {
  if (found.size > MANIFEST_BYTES) throw new PiecemealError('E_LIMIT', `the manifest of ${quote(found.filename)} has more than ${MANIFEST_BYTES} bytes`)
  const workspace = await Workspace.open(context.hiddenFolder, found, context.inWindows, { isUpdate: context.arrived !== undefined })
  const room = await workspace.promiseRoom()
  try {
    const wanted = new WantedFile(found, 'manifest')
    const zeros = new PieceSet(wanted.layout.pieceCount)
    const runs = pieces ? await workspace.resume(pieces, context.digestPieces) : []
    const landing = landingOf({ ...context, content: found, pieces, zeros, workspace, onGood: undefined })
    const transfer = new Transfer({ found, wanted, landing, pieces, zeros, liars, roundTrip, runs, ...course }, context)
    const { path: from } = await transfer.run()
    if (from !== undefined) await atDisk(async () => await rename(from, path))
  } catch (error) {
    throw toDiskError(error, `cannot keep the manifest of ${quote(found.filename)}`)
  } finally {
    room.end()
  }
}

/** @returns undefined where there is none with that digest; what is there in its place is removed */
async function readManifest (path: string, digest: string): Promise<Manifest | undefined> {
  const reader = new ManifestReader()
  const pieces: Buffer[] = []
  let size = 0
  let broken: PiecemealError | undefined
  try {
    const handle = await atDisk(async () => await open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
    try {
      const piece = Buffer.allocUnsafe(MIN_PIECE_BYTES)
      for (let bytesRead = piece.length; bytesRead === piece.length;) {
        bytesRead = await fill(handle, piece, size)
        size += bytesRead
        if (bytesRead > 0) pieces.push(blake3(piece.subarray(0, bytesRead)))
        // Whether it was sent so, or lies so on the disk, its digest tells.
        if (broken === undefined) broken = whyNot(reader, piece.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw toDiskError(error, 'cannot read a manifest')
  }
  if (folderDigest(size, Buffer.concat(pieces)) === digest) {
    if (broken !== undefined) throw broken
    return reader.end()
  }
  await atDisk(async () => await rm(path, { force: true }))
  return undefined
}

function whyNot (reader: ManifestReader, chunk: Buffer): PiecemealError | undefined {
  try {
    reader.take(chunk)
  } catch (error) {
    return toPiecemealError(error)
  }
  return undefined
}

async function fill (handle: Awaited<ReturnType<typeof open>>, piece: Buffer, position: number): Promise<number> {
  let filled = 0
  while (filled < piece.length) {
    const { bytesRead } = await atDisk(async () => await handle.read(piece, filled, piece.length - filled, position + filled))
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
