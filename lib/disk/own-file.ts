/** A regular file, opened so that no link, pipe or device is ever followed or waited for. */
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { atDisk } from './at-disk.js'
import { outOfDescriptors, PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** What tells that a file is still the one that was announced. Times in nanoseconds. */
export interface FileIdentity {
  dev: bigint
  ino: bigint
  size: bigint
  mtimeNs: bigint
  ctimeNs: bigint
  /** Whether somebody may execute it; left out if nobody may. */
  isExecutable?: true
}

export interface OwnFile {
  handle: FileHandle
  identity: FileIdentity
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The caller closes the handle.
 *
 * @param path absolute
 * @throws E_IO if there is no such file; E_FORBIDDEN if it is not a regular file, or not readable.
 */
export async function openOwnFile (path: string): Promise<OwnFile> {
  let handle: FileHandle
  try {
    handle = await atDisk(async () => await open(path, FLAGS))
  } catch (error) {
    throw openError(error, path)
  }
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw forbidden(path, 'it is not a regular file')
    return { handle, identity: identityOf(stats) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The same in a thread that may wait for the disk. The caller closes the descriptor. */
export function openOwnFileSync (path: string): { fd: number, identity: FileIdentity } {
  let fd: number
  try {
    fd = openSync(path, FLAGS)
  } catch (error) {
    throw openError(error, path)
  }
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (!stats.isFile()) throw forbidden(path, 'it is not a regular file')
    return { fd, identity: identityOf(stats) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Without opening it: of a file that was just written. @throws E_IO, E_FORBIDDEN as `openOwnFile`. */
export async function identifyOwnFile (path: string): Promise<FileIdentity> {
  try {
    const stats = await atDisk(async () => await lstat(path, { bigint: true }))
    if (stats.isFile()) return identityOf(stats)
  } catch (error) {
    throw openError(error, path)
  }
  throw forbidden(path, 'it is not a regular file')
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

export function identityOf ({ dev, ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): FileIdentity {
  return { dev, ino, size, mtimeNs: inMemory(mtimeNs), ctimeNs, ...((mode & 0o111n) !== 0n && { isExecutable: true }) }
}

/** A time as it is kept in 64 bits: those after the year 2262 have more nanoseconds, and only have to be told apart. */
export function inMemory (mtimeNs: bigint): bigint {
  return BigInt.asIntN(64, mtimeNs)
}

function openError (error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case 'ENOENT': return new PiecemealError('E_IO', `there is no file ${quote(basename(path))} in ${dirname(path)}`, { cause: error })
    case 'ELOOP':
    case 'EMLINK': return forbidden(path, 'it is a link')
    case 'ENXIO':
    case 'ENODEV': return forbidden(path, 'it is not a regular file')
    case 'EACCES':
    case 'EPERM': return forbidden(path, 'it may not be read')
    default: return outOfDescriptors(error, `cannot open ${quote(basename(path))}`) ?? new PiecemealError('E_IO', `cannot read ${quote(basename(path))}: ${systemCode(error) ?? String(error)}`, { cause: error })
  }
}

function forbidden (path: string, why: string): PiecemealError {
  return new PiecemealError('E_FORBIDDEN', `cannot share ${quote(basename(path))}: ${why}`)
}
