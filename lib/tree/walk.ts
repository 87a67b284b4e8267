/**
 * From a folder on a disk to its entries, in the order of a manifest. Runs in a worker thread and
 * waits for the disk. What can't be read ends the walk: a list that became shorter for that would be
 * taken for a folder of which somebody has deleted the rest.
 */
import { isUtf8 } from 'node:buffer'
import { lstatSync, readlinkSync, statfsSync, type BigIntStats } from 'node:fs'
import { isHidden } from '../disk/hidden.js'
import { toDiskError } from '../disk/disk-error.js'
import { MADE_UP } from '../disk/where-it-lies.js'
import type { Entry } from '../manifest/entry.js'
import { ManifestBuilder } from '../manifest/manifest-builder.js'
import type { ManifestData } from '../manifest/manifest.js'
import { PIECE_DIGEST_BYTES, pieceCount, pieceLengthFor } from '../protocol/content.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { LINK_TARGET_BYTES, PATH_BYTES, PATH_DEPTH } from '../protocol/limits.js'
import { quote, whyNotFileName } from '../protocol/names.js'
import { newIdentities, setIdentity, wholeMs, withRoomFor, type TreeIdentities } from './identities.js'
import { NameList } from './name-list.js'
import { NAMED, Refused } from './refused.js'
import { TreeControl } from './tree-control.js'

export interface WalkTask {
  /** The absolute path of the folder. */
  root: string
  /** Whether the manifest has times. */
  hasTimes: boolean
  /** What can't be shared is left out, and told, instead of being an error. */
  skipSpecial: boolean
  /** Paths to leave out, whatever they are. */
  without?: readonly string[]
  /** Of a `TreeControl`. */
  control: SharedArrayBuffer
}

export interface Walked {
  /** Its digests are zeros, as many as there are pieces: they are to be filled in. */
  manifest: ManifestData
  identities: TreeIdentities
  /** Of the file system that the folder is on. */
  dev: bigint
  leftOut: LeftOut
}

/** By `--skip-special`. */
export interface LeftOut {
  count: number
  /** The first ten, each with the reason. */
  first: string[]
  /** Folders that can't be read: what is in them is not known. */
  folders: string[]
}

const FIRST_ENTRIES = 64
const LEADS_OUT = 'a link that leads out of the folder'
const NO_DIGESTS = Buffer.alloc(0)
const ONE_DIGEST = Buffer.alloc(PIECE_DIGEST_BYTES)
/** There a moment ago. */
const GONE = new Set(['ENOENT', 'ENOTDIR'])
const UNREADABLE = new Set(['EACCES', 'EPERM'])

/** @throws E_FORBIDDEN, E_NAME with the first ten paths; E_IO with the path; E_LIMIT; E_CHANGED; E_INTERRUPTED. */
export function walkTree (task: WalkTask): Walked {
  const leadOut: string[] = []
  for (;;) {
    const walk = new Walk(task, leadOut)
    walk.run()
    // Known once all links are; and anew without those, for others may have led through them.
    const links = walk.linksThatLeadOut()
    leadOut.push(...links)
    if (links.length === 0 || !task.skipSpecial) return walk.result(links)
  }
}

class Walk {
  readonly #task: WalkTask
  readonly #control: TreeControl
  readonly #builder = new ManifestBuilder()
  #identities = newIdentities(FIRST_ENTRIES)
  #count = 0
  readonly #forbidden = new Refused()
  readonly #badNames = new Refused()
  readonly #folders: string[] = []
  readonly #without: ReadonlySet<string>
  #dev = 0n

  /** @param leadOut links that are left out since they lead out of the folder */
  constructor (task: WalkTask, leadOut: readonly string[]) {
    this.#task = task
    this.#control = new TreeControl(task.control)
    this.#without = new Set([...task.without ?? [], ...leadOut])
    for (const path of leadOut) this.#forbidden.add(path, LEADS_OUT)
  }

  run (): void {
    const stats = this.#lstat('')
    if (stats?.isDirectory() !== true) throw new PiecemealError('E_IO', `${quote(this.#task.root)} is no folder any more`)
    this.#dev = stats.dev
    this.#walkFolder('', stats, 0)
  }

  linksThatLeadOut (): string[] {
    return this.#builder.linksThatLeadOut()
  }

  /** @param leadOut links that lead out, and are still in it */
  result (leadOut: readonly string[]): Walked {
    const { root, skipSpecial } = this.#task
    for (const path of leadOut) this.#forbidden.add(path, LEADS_OUT)
    if (!skipSpecial) {
      const remedy = '--skip-special leaves out what can\'t be shared'
      if (this.#badNames.count > 0) throw this.#badNames.error('E_NAME', `cannot share ${quote(root)} (${remedy}):`)
      if (this.#forbidden.count > 0) throw this.#forbidden.error('E_FORBIDDEN', `cannot share ${quote(root)} (${remedy}):`)
    }
    return {
      manifest: this.#builder.build().data,
      identities: this.#identities,
      dev: this.#dev,
      leftOut: { count: this.#badNames.count + this.#forbidden.count, first: [...this.#badNames.first, ...this.#forbidden.first].slice(0, NAMED), folders: this.#folders },
    }
  }

  #walkFolder (folder: string, stats: BigIntStats, depth: number): void {
    const names = this.#names(folder)
    if (names === undefined) return
    const countBefore = this.#count
    for (let i = 0; i < names.count; i++) {
      this.#control.goOn()
      this.#take(folder, names.name(i), stats.dev, depth + 1)
    }
    // Somebody may have put a link to elsewhere in its place meanwhile.
    const now = this.#lstat(folder)
    if (now !== undefined && (now.ino !== stats.ino || now.dev !== stats.dev)) throw new PiecemealError('E_CHANGED', `${this.#quoted(folder)} was replaced while it was read`)
    if (this.#count === countBefore && folder !== '') this.#add({ kind: 'folder', path: folder, ...this.#time(stats) }, stats)
  }

  /** @returns undefined of a folder that is gone, or is left out. */
  #names (folder: string): NameList | undefined {
    try {
      return NameList.read(this.#place(folder))
    } catch (error) {
      const code = systemCode(error) ?? ''
      if (folder !== '' && GONE.has(code)) return undefined
      if (!UNREADABLE.has(code)) throw toDiskError(error, `cannot read the folder ${this.#quoted(folder)}`)
      this.#forbidden.add(folder, 'a folder that may not be read')
      if (this.#folders.length < NAMED) this.#folders.push(folder)
      return undefined
    }
  }

  #take (folder: string, bytes: Buffer, dev: bigint, depth: number): void {
    const name = bytes.toString()
    const path = folder === '' ? name : `${folder}/${name}`
    if (!isUtf8(bytes)) return this.#badNames.add(path, 'it is not UTF-8')
    if (this.#without.has(path)) return
    const stats = this.#lstat(path)
    if (stats === undefined || (isHidden(name) && stats.isDirectory())) return
    const why = whyNot(path, name, depth)
    if (why !== undefined) return this.#badNames.add(path, why)
    if (stats.isFile()) this.#addFile(path, stats)
    else if (stats.isSymbolicLink()) this.#addLink(path, stats)
    else if (!stats.isDirectory()) this.#forbidden.add(path, kindOf(stats))
    else if (stats.dev !== dev && this.#isMadeUp(path)) this.#forbidden.add(path, 'the system makes it up as it is read')
    else this.#walkFolder(path, stats, depth)
  }

  #addFile (path: string, stats: BigIntStats): void {
    const size = Number(stats.size)
    this.#add({ kind: 'file', path, size, isExecutable: (stats.mode & 0o111n) !== 0n, digests: noDigests(size), ...this.#time(stats) }, stats)
  }

  #addLink (path: string, stats: BigIntStats): void {
    let target: Buffer
    try {
      target = readlinkSync(this.#place(path), 'buffer')
    } catch (error) {
      // Gone, or no link any more.
      if (GONE.has(systemCode(error) ?? '') || systemCode(error) === 'EINVAL') return
      throw toDiskError(error, `cannot read the link ${this.#quoted(path)}`)
    }
    if (!isUtf8(target) || target.length > LINK_TARGET_BYTES) this.#badNames.add(path, 'a link to what is not UTF-8')
    else if (target[0] === 0x2f) this.#forbidden.add(path, LEADS_OUT)
    else this.#add({ kind: 'link', path, target: target.toString() }, stats)
  }

  #add (entry: Entry, stats: BigIntStats): void {
    this.#builder.add(entry)
    this.#identities = withRoomFor(this.#identities, this.#count)
    setIdentity(this.#identities, this.#count++, stats)
    this.#control.reach(1)
  }

  #time ({ mtimeNs }: BigIntStats): { mtimeMs?: number } {
    return this.#task.hasTimes ? { mtimeMs: wholeMs(mtimeNs) } : {}
  }

  /** Undefined of what is gone, or may not be read. */
  #lstat (path: string): BigIntStats | undefined {
    try {
      return lstatSync(this.#place(path), { bigint: true, throwIfNoEntry: false })
    } catch (error) {
      if (path === '' || !UNREADABLE.has(systemCode(error) ?? '')) throw toDiskError(error, `cannot read ${this.#quoted(path)}`)
      this.#forbidden.add(path, 'it may not be read')
      return undefined
    }
  }

  #isMadeUp (path: string): boolean {
    try {
      return MADE_UP.has(statfsSync(this.#place(path)).type)
    } catch (error) {
      throw toDiskError(error, `cannot read ${this.#quoted(path)}`)
    }
  }

  #place (path: string): string {
    return path === '' ? this.#task.root : `${this.#task.root}/${path}`
  }

  #quoted (path: string): string {
    return quote(path === '' ? this.#task.root : path)
  }
}

function whyNot (path: string, name: string, depth: number): string | undefined {
  if (depth > PATH_DEPTH) return `it is more than ${PATH_DEPTH} deep`
  if (path.length > PATH_BYTES / 3 && Buffer.byteLength(path) > PATH_BYTES) return `it is longer than ${PATH_BYTES} bytes`
  return whyNotFileName(name)
}

function noDigests (size: number): Buffer {
  const count = pieceCount({ size, pieceLength: pieceLengthFor(size) })
  return count === 0 ? NO_DIGESTS : count === 1 ? ONE_DIGEST : Buffer.alloc(count * PIECE_DIGEST_BYTES)
}

function kindOf (stats: BigIntStats): string {
  if (stats.isFIFO()) return 'a pipe'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}
