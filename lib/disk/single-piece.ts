/**
 * The part file of a content of one piece, or of none: it is the file, so it needs no folder with
 * others, and it is not worth keeping for a next try.
 */
import { open, unlink } from 'node:fs/promises'
import type { PlacedRun } from '../content/run.js'
import { bytesOfPieces, type Content } from '../protocol/content.js'
import { atDisk } from './at-disk.js'
import { singlePiecePath } from './hidden.js'
import type { Workspace } from './workspace.js'
import { toDiskError } from './disk-error.js'

/** One content may be fetched under several names at once, and by several owners. */
let made = 0

export class SinglePiece implements Pick<Workspace, 'newPartFile' | 'resume' | 'partsElsewhere' | 'hasParts' | 'remove'> {
  readonly #hiddenFolder: string
  readonly #digest: string
  readonly #paths: string[] = []

  /** @param hiddenFolder `DIR/NAME/.piecemeal` */
  constructor (hiddenFolder: string, { digest }: Pick<Content, 'digest'>) {
    this.#hiddenFolder = hiddenFolder
    this.#digest = digest
  }

  /** The path of a part file that does not exist yet. */
  newPartFile (): string {
    const path = singlePiecePath(this.#hiddenFolder, this.#digest, made++)
    this.#paths.push(path)
    return path
  }

  /** None: writing it tells as soon as asking would that there is no room. */
  async promiseRoom (): Promise<undefined> {}

  async resume (): Promise<PlacedRun[]> {
    return []
  }

  async partsElsewhere (): Promise<[]> {
    return []
  }

  async hasParts (): Promise<boolean> {
    return false
  }

  async remove (): Promise<void> {
    for (const path of this.#paths) await atDisk(async () => await unlink(path)).catch(() => {})
  }
}

/** A part file of nothing but zeros, if only of none, from the first piece on: nothing is written. @throws E_DISK_FULL, E_IO. */
export async function makeHole (path: string, content: Pick<Content, 'size' | 'pieceLength'>, endPiece: number): Promise<PlacedRun> {
  try {
    await atDisk(async () => {
      const handle = await open(path, 'wx')
      try {
        await handle.truncate(bytesOfPieces(content, 0, endPiece).end)
      } finally {
        await handle.close()
      }
    })
  } catch (error) {
    throw toDiskError(error, 'cannot write a part file')
  }
  return { firstPiece: 0, endPiece, path, originPiece: 0 }
}
