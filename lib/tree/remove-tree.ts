/**
 * An old version goes away, once nobody wants it any more. It was a user's tree: somebody may still be
 * at work in it, or have put something there. Only what its manifest names is removed, and only if it
 * is as the manifest says; all else is moved to a folder beside it. No mount is entered, no link is
 * followed. Runs in a worker thread.
 */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, readlinkSync, renameSync, rmdirSync, unlinkSync, type BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { diskCode, toDiskError } from '../disk/disk-error.js'
import type { Entry } from '../manifest/entry.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { pieceCount, pieceLengthFor } from '../protocol/content.js'
import { systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { digestPieces } from '../disk/digest-pieces.js'
import type { TreeIdentities } from './identities.js'
import { NameList } from './name-list.js'
import { TreeControl } from './tree-control.js'

export interface RemoveTask {
  manifest: ManifestData
  identities: TreeIdentities
  root: string
  /** Absolute path of the folder for what is not as the manifest says; made if there is anything. */
  keptIn: string
  control: SharedArrayBuffer
}

export interface Removed {
  /** The first ten paths of what was kept, and how many there are. */
  kept: string[]
  keptCount: number
  /** Whether all of it is gone; what is left is tried again another time. */
  isGone: boolean
  /** Why something could not be removed, with the first such path. */
  why?: string
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const NAMED = 10
/** What somebody else may remove, or another time: parts that belong to others, mounts, a disk that is read-only now. */
const STAYS = new Set(['EACCES', 'EPERM', 'EBUSY', 'EROFS', 'ENOENT'])

/** @throws E_IO where the disk fails; E_INTERRUPTED: the rest is still there then. */
export function removeTree (task: RemoveTask): Removed {
  const remover = new Remover(task)
  return remover.run()
}

class Remover {
  readonly #task: RemoveTask
  readonly #manifest: Manifest
  readonly #control: TreeControl
  readonly #removed: Removed = { kept: [], keptCount: 0, isGone: false }
  #mount = ''

  constructor (task: RemoveTask) {
    this.#task = task
    this.#manifest = Manifest.fromData(task.manifest)
    this.#control = new TreeControl(task.control)
  }

  run (): Removed {
    const fd = openSync(this.#task.root, FOLDER)
    try {
      this.#mount = mountOf(fd)
      makeWritable(fd)
      this.#empty(fd, '')
    } catch (error) {
      throw toDiskError(error, `cannot remove the version before, ${quote(this.#task.root)}`)
    } finally {
      closeSync(fd)
    }
    this.#removed.isGone = removeFolder(this.#task.root)
    return this.#removed
  }

  #empty (folder: number, path: string): void {
    const names = NameList.read(placeIn(folder))
    for (let i = 0; i < names.count; i++) {
      this.#control.goOn()
      const name = names.name(i).toString()
      const place = placeIn(folder, name)
      const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false })
      if (stats === undefined) continue
      const index = this.#manifest.find(path + name)
      try {
        if (stats.isDirectory()) this.#removeFolder(folder, name, `${path}${name}/`, index)
        else if (index !== undefined && this.#isAsItWas(place, stats, index)) unlinkSync(place)
        else this.#keep(place, path + name)
      } catch (error) {
        if (!STAYS.has(diskCode(error) ?? '')) throw error
        this.#removed.why ??= `${quote(path + name)}: ${diskCode(error) ?? ''}`
      }
      this.#control.reach(1)
    }
  }

  #removeFolder (parent: number, name: string, path: string, index: number | undefined): void {
    if (index === undefined && !this.#hasBelow(path)) return this.#keep(placeIn(parent, name), path.slice(0, -1))
    const fd = openSync(placeIn(parent, name), FOLDER)
    try {
      // What is mounted there is none of ours; its folder can't be removed, and stays.
      if (mountOf(fd) !== this.#mount) return
      makeWritable(fd)
      this.#empty(fd, path)
    } finally {
      closeSync(fd)
    }
    removeFolder(placeIn(parent, name))
  }

  #hasBelow (folder: string): boolean {
    const bytes = Buffer.from(folder)
    const index = this.#manifest.lowerBound({ bytes, start: 0, end: bytes.length })
    return index < this.#manifest.entryCount && this.#manifest.path(index).startsWith(folder)
  }

  /** A hard link moves ctime, ours as well as a backup's: then its bytes decide. */
  #isAsItWas (place: string, stats: BigIntStats, index: number): boolean {
    const entry = this.#manifest.entry(index)
    if (entry.kind === 'link') return stats.isSymbolicLink() && readlinkSync(place) === entry.target
    const { ino, size, mtimeNs, ctimeNs } = this.#task.identities
    if (entry.kind !== 'file' || !stats.isFile() || ino[index] !== stats.ino || size[index] !== Number(stats.size)) return false
    return (mtimeNs[index] === stats.mtimeNs && ctimeNs[index] === stats.ctimeNs) || hasBytesOf(place, entry)
  }

  #keep (place: string, path: string): void {
    const kept = `${this.#task.keptIn}/${path}`
    mkdirSync(dirname(kept), { recursive: true })
    renameSync(place, kept)
    this.#removed.keptCount++
    if (this.#removed.kept.length < NAMED) this.#removed.kept.push(path)
  }
}

function hasBytesOf (place: string, { size, digests }: Extract<Entry, { kind: 'file' }>): boolean {
  const pieceLength = pieceLengthFor(size)
  const fd = openSync(place, FILE)
  try {
    return digestPieces({ fd, offset: 0, size, pieceLength, firstPiece: 0, endPiece: pieceCount({ size, pieceLength }) }).equals(digests)
  } finally {
    closeSync(fd)
  }
}

/** @returns whether it is gone: what is not empty, or is a mount, stays */
function removeFolder (place: string): boolean {
  try {
    rmdirSync(place)
    return true
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
}

/** A path below an open folder, whatever has its name by now. */
function placeIn (folder: number, name?: string): string {
  return name === undefined ? `/proc/self/fd/${folder}` : `/proc/self/fd/${folder}/${name}`
}

/** Nothing can be removed from a folder that nobody may write to. */
function makeWritable (folder: number): void {
  const { mode } = fstatSync(folder)
  if ((mode & 0o300) === 0o300) return
  try {
    chmodSync(placeIn(folder), (mode & 0o777) | 0o300)
  } catch {
    // Of somebody else's: what can't be removed shows.
  }
}

function mountOf (fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
}
