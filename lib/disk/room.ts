/**
 * Room on a disk is promised to a download before it starts. Of two that want the same room the
 * second is told so at once; otherwise both would fail once all of it is gone.
 */
import { stat, statfs } from 'node:fs/promises'
import { NO_INODE } from './disk-error.js'
import { PiecemealError } from '../protocol/errors.js'
import { SPARE_ROOM_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'

/** The type of FAT, which keeps sizes in 32 bits. */
const FAT = 0x4d44
const FAT_FILE_BYTES = 2 ** 32 - 1

export interface Wish {
  /** On the file system that is meant. */
  folder: string
  filename: string
  size: number
  /** Bytes of it that are there already. */
  keptBytes: number
  /** Of a folder: how many files, links and folders are made. */
  inodes?: number
  /** Of a folder: bytes of the largest file. */
  largestFile?: number
}

/** File system → what is promised to the downloads that run on it. */
const promises = new Map<number, Set<RoomPromise>>()

export class RoomPromise {
  readonly #fileSystem: number
  readonly #size: number
  #bytesToCome: number

  /** @throws E_DISK_FULL if there is no room, or no inode; E_IO if no file may be so large; what asking throws. */
  static async make ({ folder, filename, size, keptBytes, inodes = 1, largestFile = size }: Wish): Promise<RoomPromise> {
    const { fileSystem, type, freeBytes, freeInodes } = await ask(folder)
    if (freeInodes === 0) throw new PiecemealError('E_DISK_FULL', `no room for ${quote(filename)}: ${NO_INODE}`)
    if (inodes > freeInodes) throw new PiecemealError('E_DISK_FULL', `no room for ${quote(filename)}: it has ${inodes} files, links and folders, and the disk has inodes for ${freeInodes}`)
    if (type === FAT && largestFile > FAT_FILE_BYTES) throw new PiecemealError('E_IO', `${quote(filename)} has ${largestFile === size ? '' : 'a file of '}${largestFile} bytes: the largest file of this file system has ${FAT_FILE_BYTES}`)
    const bytesToCome = Math.max(0, size - keptBytes)
    const promised = promisedOn(fileSystem)
    if (bytesToCome + SPARE_ROOM_BYTES > freeBytes - promised) {
      const others = promised > 0 ? `, ${promised} of them promised to other downloads` : ''
      throw new PiecemealError('E_DISK_FULL', `no room for ${quote(filename)}: it wants ${bytesToCome} bytes and ${SPARE_ROOM_BYTES} to spare, ${freeBytes} are free${others}`)
    }
    return new RoomPromise(fileSystem, size, bytesToCome)
  }

  private constructor (fileSystem: number, size: number, bytesToCome: number) {
    this.#fileSystem = fileSystem
    this.#size = size
    this.#bytesToCome = bytesToCome
    const all = promises.get(fileSystem) ?? new Set()
    promises.set(fileSystem, all.add(this))
  }

  get bytesToCome (): number {
    return this.#bytesToCome
  }

  /** So many bytes of the file are on the disk now, where they take their room themselves. */
  reach (bytes: number): void {
    this.#bytesToCome = Math.max(0, this.#size - bytes)
  }

  /** Safe to call twice. */
  end (): void {
    const all = promises.get(this.#fileSystem)
    all?.delete(this)
    if (all?.size === 0) promises.delete(this.#fileSystem)
  }
}

/** What is free in a folder beyond all that is promised; Infinity where the file system doesn't say. */
export async function unpromisedBytes (folder: string): Promise<number> {
  const { fileSystem, freeBytes } = await ask(folder)
  return freeBytes - promisedOn(fileSystem)
}

/** What the file system says is free; undefined where it doesn't say, or does not answer well. */
export async function freeBytes (folder: string): Promise<number | undefined> {
  const { freeBytes } = await ask(folder).catch(() => ({ freeBytes: Infinity }))
  return Number.isFinite(freeBytes) ? freeBytes : undefined
}

function promisedOn (fileSystem: number): number {
  let bytes = 0
  for (const { bytesToCome } of promises.get(fileSystem) ?? []) bytes += bytesToCome
  return bytes
}

/** Where there are 0 of 0 blocks, or inodes, nothing is known: FUSE file systems without statfs, tmpfs without a limit, btrfs, which counts no inodes. */
async function ask (folder: string): Promise<{ fileSystem: number, type: number, freeBytes: number, freeInodes: number }> {
  const { dev } = await stat(folder)
  const { type, blocks, bavail, bsize, files, ffree } = await statfs(folder)
  return { fileSystem: dev, type, freeBytes: blocks === 0 ? Infinity : bavail * bsize, freeInodes: files === 0 ? Infinity : ffree }
}
