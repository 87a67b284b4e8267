/**
 * Writes a part into the files of a tree that its bytes are of, one open at a time: no byte is written
 * twice. The tree is hidden, and what is in it counts only as far as the digests say.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { RunLayout } from '../content/layout.js'
import { toDiskError } from '../disk/disk-error.js'
import { reachSync } from '../disk/write-fully.js'
import { quote } from '../protocol/names.js'
import type { PartFiles, PartTask } from './part-task.js'
import { Window } from './window.js'

/** To look for holes it is read, too. */
const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW

interface OpenFile {
  fd: number
  path: string
  window: Window
  /** Where its bytes begin and end in the part. */
  start: number
  end: number
  /** Where the first of them belongs. */
  offset: number
}

export class FilesWriter {
  readonly #task: Pick<PartTask, 'path' | 'firstPiece' | 'isBlank'>
  readonly #files: PartFiles
  readonly #layout: RunLayout
  #next = 0
  /** Where the last one ended in the part. */
  #end = 0
  #open: OpenFile | undefined

  constructor (task: Pick<PartTask, 'path' | 'firstPiece' | 'isBlank' | 'offsets'>, files: PartFiles) {
    this.#task = task
    this.#files = files
    this.#layout = new RunLayout(task.offsets, task.firstPiece)
  }

  /** Bytes that follow one another. @param at where in the part @throws E_DISK_FULL, E_IO, E_LIMIT. */
  write (bytes: Buffer, at: number): void {
    for (let from = 0; from < bytes.length;) {
      const file = this.#open ??= this.#openNext()
      const end = Math.min(bytes.length, file.end - at)
      this.#writeTo(file, bytes.subarray(from, end), at + from - file.start + file.offset)
      from = end
      if (at + end === file.end) this.close()
    }
  }

  close (): void {
    if (this.#open === undefined) return
    const { fd, window } = this.#open
    this.#open = undefined
    window.close()
    closeSync(fd)
  }

  #openNext (): OpenFile {
    const { paths, bytes, offset: offsetInFirst } = this.#files
    const at = this.#next++
    const [path = '', start, offset] = [paths[at], this.#end, at === 0 ? offsetInFirst : 0]
    this.#end += bytes[at] ?? 0
    const { path: root, isBlank, firstPiece } = this.#task
    try {
      const fd = openSync(`${root}/${path}`, FLAGS)
      const inPart = this.#layout.offsetOf(firstPiece) + start
      const window = new Window(fd, { layout: this.#layout, origin: inPart - offset, firstPiece: this.#layout.pieceAt(inPart), isBlank })
      return { fd, path, window, start, end: this.#end, offset }
    } catch (error) {
      throw toDiskError(error, `cannot write ${quote(path)}`)
    }
  }

  #writeTo ({ fd, path, window, end, start, offset }: OpenFile, bytes: Buffer, position: number): void {
    try {
      const endsInHole = window.write(bytes, position)
      // Others may be writing behind it: it must not become shorter.
      if (endsInHole && position + bytes.length === end - start + offset) reachSync(fd, position + bytes.length)
    } catch (error) {
      throw toDiskError(error, `cannot write ${quote(path)}`)
    }
  }
}
