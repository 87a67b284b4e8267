/** Writes what has come of a part: to one file, or to all the files of a tree that it has bytes of. */
import { closeSync } from 'node:fs'
import { identifySync, type FileIdentity } from '../disk/own-file.js'
import { lengthenSync, syncFully } from '../disk/write-fully.js'
import { RunLayout } from '../content/layout.js'
import { FilesWriter } from './files-writer.js'
import { openPartFile } from './part-file.js'
import type { PartTask } from './part-task.js'
import { Window } from './window.js'

export interface PartWriter {
  /** Bytes that follow one another. @param at where in the part @throws E_DISK_FULL, E_IO, E_LIMIT. */
  write (bytes: Buffer, at: number): void
  close (): void
}

/** @throws E_DISK_FULL, E_IO, E_LIMIT. */
export function writerOf (task: PartTask): PartWriter {
  return task.files ? new FilesWriter(task, task.files) : new FileWriter(task)
}

export class FileWriter implements PartWriter {
  readonly #fd: number
  /** Where the part begins in the file. */
  readonly #start: number
  readonly #window: Window

  /** @throws E_DISK_FULL, E_IO, E_LIMIT. */
  constructor (task: PartTask) {
    this.#fd = openPartFile(task)
    const layout = new RunLayout(task.offsets, task.firstPiece)
    this.#start = layout.offsetOf(task.firstPiece) - task.origin
    this.#window = new Window(this.#fd, { ...task, layout })
  }

  write (bytes: Buffer, at: number): void {
    // Where others write to the file as well it has its whole length already.
    if (this.#window.write(bytes, this.#start + at)) lengthenSync(this.#fd, this.#start + at + bytes.length)
  }

  /** Returns when all of it is on the disk. @throws E_DISK_FULL, E_IO. */
  sync (): void {
    syncFully(this.#fd)
  }

  /** The file as it is now. */
  get identity (): FileIdentity {
    return identifySync(this.#fd)
  }

  close (): void {
    this.#window.close()
    closeSync(this.#fd)
  }
}
