/**
 * A tree that was digested, or that came, as a file in the hidden folder: its entries in their order,
 * each with its digests and what it was when it was looked at. So a folder that is shared again costs
 * its changed files, and `--update` knows what is whose. It is written and read from front to end, for
 * a million entries are more than one wants in memory twice. A file that is not whole is none.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Entry } from '../manifest/entry.js'
import type { Manifest } from '../manifest/manifest.js'
import * as check from '../protocol/check.js'
import { MANIFEST_LINE_BYTES } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'
import { CheckedReader, CheckedWriter } from './checked-file.js'
import { isYoung, type TreeIdentities } from './identities.js'

const MAGIC = Buffer.from('piecemeal-tree/1\n')
const HEAD_BYTES = 64 * KiB
/** Kind, lengths of path, target and digests, whether there is a time; then it, inode, size and both times. */
const RECORD_BYTES = 1 + 2 + 2 + 4 + 1 + 5 * 8
const FILE = 0
const EXECUTABLE = 1
const FOLDER = 2
const LINK = 3

/** Written over for each record: memory of its own for each would wait for the garbage collector. */
const fixed = Buffer.alloc(RECORD_BYTES)

/** What is remembered of a tree beside its entries. */
const head = {
  /** The absolute path of the folder. */
  root: check.string,
  digest: check.digest,
  /** Of the file system that it was on; another number may be the same one after the machine has started. */
  dev: check.string,
  /** Of what is there. */
  files: check.bytes,
  size: check.bytes,
  /** What of the folder it was fetched with: `--only`. */
  patterns: check.optional(check.array(check.string, 1_024)),
  /** The file system says of all files that they are executable: which are to be is known from here alone. */
  allExecutable: check.optional(check.boolean),
}

export type TreeHead = check.Checked<typeof head>

/** What there is of a folder. */
export interface KnownTree {
  manifest: Manifest
  /** By their numbers, ascending; all if left out. */
  entries?: Uint32Array | undefined
  identities: TreeIdentities
}

/** An entry, and what it was on the disk. */
export interface KnownEntry {
  entry: Entry
  ino: bigint
  size: number
  mtimeNs: bigint
  /** 0 of one that may have been written to since. */
  ctimeNs: bigint
}

/** Replaces the file whole or not at all. @param nowMs when the tree was looked at, by the wall clock @throws what writing throws */
export function writeTreeFile (path: string, about: TreeHead, tree: KnownTree, nowMs: number): void {
  const { manifest, entries, identities } = tree
  const count = entries?.length ?? manifest.entryCount
  const temporary = `${path}.new`
  mkdirSync(dirname(path), { recursive: true })
  const fd = openSync(temporary, 'w')
  try {
    const writer = new CheckedWriter(fd)
    writer.write(MAGIC)
    const text = Buffer.from(JSON.stringify(about))
    writer.write(uint32(text.length))
    writer.write(text)
    writer.write(uint32(count))
    for (let i = 0; i < count; i++) writer.write(recordOf(manifest, identities, entries?.[i] ?? i, nowMs))
    writer.end()
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  try {
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/**
 * The entries in their order; what was told counts only once the last has come, for only then it is known that the file is whole.
 *
 * @returns undefined where there is none, or none that this version can read
 */
export function openTreeFile (path: string): TreeFile | undefined {
  try {
    return new TreeFile(openSync(path, 'r'))
  } catch {
    return undefined
  }
}

export class TreeFile {
  readonly head: TreeHead
  readonly #reader: CheckedReader
  readonly #count: number
  #isWhole = false

  constructor (fd: number) {
    this.#reader = new CheckedReader(fd)
    try {
      if (!this.#reader.take(MAGIC.length).equals(MAGIC)) throw new Error('not a tree file')
      this.head = check.checkShape(head, JSON.parse(this.#reader.take(atMost(this.#reader.take(4).readUInt32LE(), HEAD_BYTES)).toString()))
      this.#count = this.#reader.take(4).readUInt32LE()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Whether all entries have come, as they were written. */
  get isWhole (): boolean {
    return this.#isWhole
  }

  * entries (): Generator<KnownEntry, void> {
    try {
      for (let left = this.#count; left > 0; left--) yield readRecord(this.#reader)
      this.#isWhole = this.#reader.isAtEnd()
    } catch {
      // It ends too early, or is none of ours: nothing of it counts.
    }
  }

  close (): void {
    this.#reader.close()
  }
}

function recordOf (manifest: Manifest, identities: TreeIdentities, index: number, nowMs: number): Buffer {
  const entry = manifest.entry(index)
  const path = Buffer.from(entry.path)
  const target = Buffer.from(entry.kind === 'link' ? entry.target : '')
  const digests = entry.kind === 'file' ? entry.digests : Buffer.alloc(0)
  const timeMs = entry.kind === 'link' ? undefined : entry.mtimeMs
  const [mtimeNs = 0n, ctimeNs = 0n] = [identities.mtimeNs[index], identities.ctimeNs[index]]
  let at = fixed.writeUInt8(kindOf(entry))
  at = fixed.writeUInt16LE(path.length, at)
  at = fixed.writeUInt16LE(target.length, at)
  at = fixed.writeUInt32LE(digests.length, at)
  at = fixed.writeUInt8(timeMs === undefined ? 0 : 1, at)
  at = fixed.writeDoubleLE(timeMs ?? 0, at)
  at = fixed.writeBigUInt64LE(identities.ino[index] ?? 0n, at)
  at = fixed.writeDoubleLE(identities.size[index] ?? 0, at)
  at = fixed.writeBigInt64LE(mtimeNs, at)
  fixed.writeBigInt64LE(isYoung({ mtimeNs, ctimeNs }, nowMs) ? 0n : ctimeNs, at)
  return Buffer.concat([fixed, path, target, digests])
}

function readRecord (reader: CheckedReader): KnownEntry {
  const fixed = reader.take(RECORD_BYTES)
  const kind = fixed.readUInt8(0)
  const [pathBytes, targetBytes, digestBytes] = [fixed.readUInt16LE(1), fixed.readUInt16LE(3), fixed.readUInt32LE(5)]
  const time = fixed.readUInt8(9) === 1 && { mtimeMs: fixed.readDoubleLE(10) }
  const known = { ino: fixed.readBigUInt64LE(18), size: fixed.readDoubleLE(26), mtimeNs: fixed.readBigInt64LE(34), ctimeNs: fixed.readBigInt64LE(42) }
  const path = reader.take(pathBytes).toString()
  const target = reader.take(targetBytes).toString()
  const digests = Buffer.from(reader.take(atMost(digestBytes, MANIFEST_LINE_BYTES)))
  if (kind === LINK) return { entry: { kind: 'link', path, target }, ...known }
  if (kind === FOLDER) return { entry: { kind: 'folder', path, ...time }, ...known }
  return { entry: { kind: 'file', path, size: known.size, isExecutable: kind === EXECUTABLE, digests, ...time }, ...known }
}

function kindOf (entry: Entry): number {
  if (entry.kind === 'file') return entry.isExecutable ? EXECUTABLE : FILE
  return entry.kind === 'folder' ? FOLDER : LINK
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function atMost (length: number, most: number): number {
  if (length > most) throw new Error('not a tree file')
  return length
}
