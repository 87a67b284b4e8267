/**
 * The part file of a content of one piece, or of none: it is the file, so it needs no folder with
 * others, and it is not worth to be kept for a next try.
 */
import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toDiskError } from '../content/disk.js'
import { DIGEST_PREFIX, type Content } from '../protocol/content.js'
import type { Run, Workspace } from './workspace.js'

/** In the hidden folder. */
export const LOOSE_PART = /^[0-9a-f]{64}-\d+\.part$/

/** One content may be fetched under several names at once, and by several owners. */
let made = 0

export class LoosePart implements Pick<Workspace, 'newPartFile' | 'assertRoom' | 'resume' | 'hasParts' | 'remove'> {
  readonly #stem: string
  readonly #paths: string[] = []

  /** @param hiddenFolder `DIR/NAME/.piecemeal` */
  constructor (hiddenFolder: string, { digest }: Pick<Content, 'digest'>) {
    this.#stem = join(hiddenFolder, digest.slice(DIGEST_PREFIX.length))
  }

  /** The path of a part file that does not exist yet. */
  newPartFile (): string {
    const path = `${this.#stem}-${made++}.part`
    this.#paths.push(path)
    return path
  }

  /** To write it tells as soon as to ask would. */
  async assertRoom (): Promise<void> {}

  async resume (): Promise<Run[]> {
    return []
  }

  async hasParts (): Promise<boolean> {
    return false
  }

  async remove (): Promise<void> {
    for (const path of this.#paths) await unlink(path).catch(() => {})
  }
}

/** Of a content without any piece. @throws E_DISK_FULL, E_IO. */
export async function makeEmptyPart (path: string): Promise<Run> {
  try {
    await writeFile(path, '', { flag: 'wx' })
  } catch (error) {
    throw toDiskError(error, 'cannot write a part file')
  }
  return { firstPiece: 0, endPiece: 0, path }
}
