/**
 * The part file of a content of one piece, or of none: it is the file, so it needs no folder with
 * others, and it is not worth keeping for a next try.
 */
import { unlink, writeFile } from 'node:fs/promises'
import type { PlacedRun } from '../content/run.js'
import type { Content } from '../protocol/content.js'
import { atDisk } from './at-disk.js'
import { singlePiecePath } from './hidden.js'
import type { Workspace } from './workspace.js'
import { toDiskError } from './disk-error.js'

/** One content may be fetched under several names at once, and by several owners. */
let made = 0

export class SinglePiece implements Pick<Workspace, 'newPartFile' | 'resume' | 'hasParts' | 'remove'> {
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

  async hasParts (): Promise<boolean> {
    return false
  }

  async remove (): Promise<void> {
    for (const path of this.#paths) await atDisk(async () => await unlink(path)).catch(() => {})
  }
}

/** Of a content without any piece. @throws E_DISK_FULL, E_IO. */
export async function makeEmptyPart (path: string): Promise<PlacedRun> {
  try {
    await writeFile(path, '', { flag: 'wx' })
  } catch (error) {
    throw toDiskError(error, 'cannot write a part file')
  }
  return { firstPiece: 0, endPiece: 0, path, originPiece: 0 }
}
