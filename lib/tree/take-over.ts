/**
 * What of a new version is the same as in the old one is taken from there: as a reflink, else as a
 * hard link, for the old tree goes away, else as a copy. Runs in a worker thread.
 */
import { closeSync, constants, copyFileSync, fchmodSync, fstatSync, futimesSync, linkSync, lstatSync, openSync, readSync, rmSync, unlinkSync, type BigIntStats } from 'node:fs'
import { toDiskError } from '../disk/disk-error.js'
import { inMemory } from '../disk/own-file.js'
import { writeSparseSync } from '../disk/write-fully.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { MiB } from '../protocol/units.js'
import { sameFiles } from './compare-trees.js'
import { isUnchanged, wholeMs, type TreeIdentities } from './identities.js'
import { TreeControl } from './tree-control.js'

export interface TakeOverTask {
  /** Of the new tree, which has a skeleton. */
  manifest: ManifestData
  root: string
  /** The old tree, what there is in it, and what its files were when they were looked at. */
  old: { manifest: ManifestData, root: string, identities: TreeIdentities }
  /** Files that are the same: entry in the old one, entry in the new one, two numbers each. */
  pairs: Uint32Array
  control: SharedArrayBuffer
}

export interface TakenOver {
  reflinked: number
  linked: number
  copied: number
  /** Entries of the new tree that could not be taken over: the file has changed, or can't be read. They are as they were. */
  lacking: number[]
}

type Way = 'reflinked' | 'linked' | 'copied'

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_TRUNC
/** No room is no reason to copy. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])

let buffer: Buffer | undefined

export interface WrittenTask {
  manifest: ManifestData
  root: string
  /** What was there before, and what its files were when they were looked at. */
  old: { manifest: ManifestData, identities: TreeIdentities }
}

/** Entries of a new tree that are files of the old one and were written to since that was looked at. A link, and its end, moves ctime. */
export function writtenSince ({ manifest: data, root, old }: WrittenTask): Uint32Array {
  const manifest = Manifest.fromData(data)
  const { ino, size, mtimeNs } = old.identities
  const pairs = sameFiles(Manifest.fromData(old.manifest), manifest)
  const written: number[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    const [from = 0, to = 0] = [pairs[at], pairs[at + 1]]
    const stats = lstatSync(`${root}/${manifest.path(to)}`, { bigint: true, throwIfNoEntry: false })
    if (stats?.ino === ino[from] && (Number(stats?.size) !== size[from] || inMemory(stats?.mtimeNs ?? 0n) !== mtimeNs[from])) written.push(to)
  }
  return Uint32Array.from(written)
}

/** @throws E_DISK_FULL, E_IO with the path; E_INTERRUPTED. */
export function takeOver (task: TakeOverTask): TakenOver {
  const [manifest, old] = [Manifest.fromData(task.manifest), Manifest.fromData(task.old.manifest)]
  const control = new TreeControl(task.control)
  const taken: TakenOver = { reflinked: 0, linked: 0, copied: 0, lacking: [] }
  // Where one can't be reflinked, none can.
  let reflinks = true
  for (let at = 0; at < task.pairs.length; at += 2) {
    control.goOn()
    const [from = 0, to = 0] = [task.pairs[at], task.pairs[at + 1]]
    const entry = manifest.entry(to)
    if (entry.kind !== 'file') continue
    const [source, target] = [`${task.old.root}/${old.path(from)}`, `${task.root}/${entry.path}`]
    try {
      const file = openUnchanged(source, task.old.identities, from)
      if (file === undefined) {
        taken.lacking.push(to)
        continue
      }
      try {
        const way = take(file, { source, target, reflinks, mayLink: entry.size > 0 && isAsWanted(file.stats, entry) })
        reflinks &&= way === 'reflinked'
        taken[way]++
      } finally {
        closeSync(file.fd)
      }
    } catch (error) {
      throw toDiskError(error, `cannot take over ${quote(entry.path)}`)
    }
    control.reach(1, entry.size)
  }
  return taken
}

interface OldFile {
  fd: number
  stats: BigIntStats
}

function openUnchanged (path: string, identities: TreeIdentities, index: number): OldFile | undefined {
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch {
    return undefined
  }
  const stats = fstatSync(fd, { bigint: true })
  if (isUnchanged(identities, index, stats)) return { fd, stats }
  closeSync(fd)
  return undefined
}

/** A link has the bits and the time of the old file. */
function isAsWanted ({ mode, mtimeNs }: BigIntStats, { isExecutable, mtimeMs }: { isExecutable: boolean, mtimeMs?: number }): boolean {
  return ((mode & 0o111n) !== 0n) === isExecutable && (mtimeMs === undefined || wholeMs(mtimeNs) === mtimeMs)
}

/** The file that is there is empty, and has the bits that it is to have. */
function take ({ fd, stats }: OldFile, { source, target, reflinks, mayLink }: { source: string, target: string, reflinks: boolean, mayLink: boolean }): Way {
  const mode = lstatSync(target).mode & 0o777
  if (!(reflinks && reflink(fd, target))) {
    if (mayLink && hardLink(source, target, stats)) return 'linked'
    copy(fd, target, mode)
    return keep(target, stats, mode, 'copied')
  }
  return keep(target, stats, mode, 'reflinked')
}

/** From what is open, whatever has its name by now. Where that fails the target is gone. */
function reflink (fd: number, target: string): boolean {
  try {
    copyFileSync(`/proc/self/fd/${fd}`, target, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch (error) {
    if (FULL.has(systemCode(error) ?? '')) throw error
    return false
  }
}

/** What is linked has to be what was looked at. Where that fails the target is gone. */
function hardLink (source: string, target: string, { dev, ino }: BigIntStats): boolean {
  rmSync(target, { force: true })
  try {
    linkSync(source, target)
  } catch (error) {
    if (FULL.has(systemCode(error) ?? '')) throw error
    return false
  }
  const linked = lstatSync(target, { bigint: true })
  if (linked.dev === dev && linked.ino === ino) return true
  unlinkSync(target)
  return false
}

/** Holes stay holes. */
function copy (from: number, target: string, mode: number): void {
  buffer ??= Buffer.allocUnsafeSlow(MiB)
  const to = openSync(target, WRITE, mode)
  try {
    for (let at = 0, bytesRead = 0; (bytesRead = readSync(from, buffer, 0, buffer.length, at)) > 0; at += bytesRead) writeSparseSync(to, buffer.subarray(0, bytesRead), at)
  } finally {
    closeSync(to)
  }
}

/** Its own bits, and the time that the old file had: who looks at times sees no new file. */
function keep (target: string, { mtimeNs }: BigIntStats, mode: number, way: Way): Way {
  const fd = openSync(target, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if ((fstatSync(fd).mode & 0o777) !== mode) fchmodSync(fd, mode)
    const time = mtimeNs >= 0n ? (Number(mtimeNs / 1_000n) + 0.5) / 1_000_000 : new Date(wholeMs(mtimeNs))
    futimesSync(fd, time, time)
  } catch {
    // Not every file system has them.
  } finally {
    closeSync(fd)
  }
  return way
}
