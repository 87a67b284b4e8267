/** A regular file of a node's own folder, opened so that no link, pipe or device is ever followed or waited for. */
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { atDisk } from './at-disk.js'
import { outOfDescriptors, PiecemealError, systemCode } from '../protocol/errors.js'
import { assertFileName, quote } from '../protocol/names.js'

/** What tells that a file is still the one that was announced. Times in nanoseconds. */
export interface FileIdentity {
  dev: bigint
  ino: bigint
  size: bigint
  mtimeNs: bigint
  ctimeNs: bigint
}

export interface OwnFile {
  handle: FileHandle
  identity: FileIdentity
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The caller closes the handle.
 *
 * @throws E_NAME; E_IO if there is no such file; E_FORBIDDEN if it is not a regular file, or not readable.
 */
export async function openOwnFile (folder: string, filename: string): Promise<OwnFile> {
  assertFileName(filename)
  const path = join(folder, filename)
  let handle: FileHandle
  try {
    handle = await atDisk(async () => await open(path, FLAGS))
  } catch (error) {
    throw openError(error, filename, folder)
  }
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw forbidden(filename, 'it is not a regular file')
    return { handle, identity: identityOf(stats) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The same in a thread that may wait for the disk. The caller closes the descriptor. */
export function openOwnFileSync (folder: string, filename: string): { fd: number, identity: FileIdentity } {
  assertFileName(filename)
  let fd: number
  try {
    fd = openSync(join(folder, filename), FLAGS)
  } catch (error) {
    throw openError(error, filename, folder)
  }
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (!stats.isFile()) throw forbidden(filename, 'it is not a regular file')
    return { fd, identity: identityOf(stats) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Without opening it: of a file that was just written. @throws E_IO, E_FORBIDDEN as `openOwnFile`. */
export async function identifyOwnFile (folder: string, filename: string): Promise<FileIdentity> {
  try {
    const stats = await atDisk(async () => await lstat(join(folder, filename), { bigint: true }))
    if (stats.isFile()) return identityOf(stats)
  } catch (error) {
    throw openError(error, filename, folder)
  }
  throw forbidden(filename, 'it is not a regular file')
}

export async function identify (handle: FileHandle): Promise<FileIdentity> {
  return identityOf(await handle.stat({ bigint: true }))
}

/** In a thread that may wait for it. */
export function identifySync (fd: number): FileIdentity {
  return identityOf(fstatSync(fd, { bigint: true }))
}

export function isSameFile (a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

/** A text that two files have in common only if they are the same. */
export function identityKey ({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

export function identityOf ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileIdentity {
  return { dev, ino, size, mtimeNs, ctimeNs }
}

function openError (error: unknown, filename: string, folder: string): unknown {
  switch (systemCode(error)) {
    case 'ENOENT': return new PiecemealError('E_IO', `there is no file ${quote(filename)} in ${folder}`, { cause: error })
    case 'ELOOP':
    case 'EMLINK': return forbidden(filename, 'it is a link')
    case 'ENXIO':
    case 'ENODEV': return forbidden(filename, 'it is not a regular file')
    case 'EACCES':
    case 'EPERM': return forbidden(filename, 'it may not be read')
    default: return outOfDescriptors(error, `cannot open ${quote(filename)}`) ?? new PiecemealError('E_IO', `cannot read ${quote(filename)}: ${systemCode(error) ?? String(error)}`, { cause: error })
  }
}

function forbidden (filename: string, why: string): PiecemealError {
  return new PiecemealError('E_FORBIDDEN', `cannot share ${quote(filename)}: ${why}`)
}
