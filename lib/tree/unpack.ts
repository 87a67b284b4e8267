/**
 * Files out of part files: what arrived as one run of bytes goes to where it belongs in the tree that
 * `makeSkeleton` made. May be done twice: the same bytes go to the same places. Runs in a worker thread.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { toDiskError } from '../disk/disk-error.js'
import { reachSync, writeDataSync } from '../disk/write-fully.js'
import { Manifest, type ManifestData } from '../manifest/manifest.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { MiB } from '../protocol/units.js'
import { callFiles } from '../threads/file-calls.js'
import { TreeControl } from './tree-control.js'

/** Bytes of one file, which stand in a part file. */
export interface Extent {
  /** The entry's number in the manifest. */
  entry: number
  /** Where in that file. */
  offset: number
  bytes: number
}

export interface UnpackTask {
  manifest: ManifestData
  /** Absolute path of the tree. */
  root: string
  /** The file that the bytes are in. */
  from: string
  /** Where in it the first extent begins; the others follow without gaps. */
  position: number
  /** Of files, in the order of the manifest. Three numbers each, `entry`, `offset` and `bytes`: there may be thousands. */
  extents: Float64Array
  /** Of a `TreeControl`, which counts bytes and whole files. */
  control: SharedArrayBuffer
}

const FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW
const CHUNK_BYTES = 1 * MiB
const FIELDS = 3

let buffer: Buffer | undefined

/** @throws E_DISK_FULL, E_IO with the path; E_INTERRUPTED between two files. */
export function unpack (task: UnpackTask): void {
  const manifest = Manifest.fromData(task.manifest)
  const control = new TreeControl(task.control)
  const from = new Chunks(task.from, task.position)
  try {
    for (const { entry, offset, bytes } of extentsOf(task.extents)) {
      control.goOn()
      // Parts that share the thread wait for it.
      callFiles(() => unpackOne(task.root, manifest.path(entry), from, offset, bytes))
      control.reach(offset + bytes === manifest.sizes[entry] ? 1 : 0, bytes)
    }
  } finally {
    from.close()
  }
}

function unpackOne (root: string, path: string, from: Chunks, offset: number, bytes: number): void {
  const fd = openTarget(root, path)
  try {
    // What was there before is nothing, or the same: zeros may stay holes.
    let endsInHole = false
    for (let at = 0; at < bytes;) {
      const chunk = from.next(bytes - at)
      endsInHole = writeDataSync(fd, chunk, offset + at)
      at += chunk.length
    }
    // Another part of the file may be written behind it.
    if (endsInHole) reachSync(fd, offset + bytes)
  } catch (error) {
    throw toDiskError(error, `cannot write ${quote(path)}`)
  } finally {
    closeSync(fd)
  }
}

/** For a task. */
export function packExtents (extents: readonly Extent[]): Float64Array {
  return Float64Array.from(extents.flatMap(({ entry, offset, bytes }) => [entry, offset, bytes]))
}

function * extentsOf (packed: Float64Array): Generator<Extent, void> {
  for (let at = 0; at < packed.length; at += FIELDS) yield { entry: packed[at] ?? 0, offset: packed[at + 1] ?? 0, bytes: packed[at + 2] ?? 0 }
}

function openTarget (root: string, path: string): number {
  try {
    return openSync(`${root}/${path}`, FLAGS)
  } catch (error) {
    throw toDiskError(error, `cannot write ${quote(path)}`)
  }
}

/** A part file from a place on, read in large pieces whatever is taken of them. */
class Chunks {
  readonly #fd: number
  readonly #buffer: Buffer
  #position: number
  #at = 0
  #end = 0

  constructor (path: string, position: number) {
    try {
      this.#fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      throw toDiskError(error, 'cannot read a part file')
    }
    this.#position = position
    this.#buffer = buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)
  }

  /** The next bytes, as many as are at hand, good until the next call. @throws E_IO where there are none */
  next (most: number): Buffer {
    if (this.#at === this.#end) this.#fill()
    const chunk = this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + most))
    this.#at += chunk.length
    return chunk
  }

  close (): void {
    closeSync(this.#fd)
  }

  #fill (): void {
    this.#at = 0
    this.#end = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, this.#position)
    this.#position += this.#end
    if (this.#end === 0) throw new PiecemealError('E_IO', 'a part file is shorter than it was')
  }
}
