/**
 * What becomes of the parts that come. Usually there are many, and they are glued into one file while
 * others are on their way. A content of one piece has one part: that is the file, and its thread names it.
 */
import type { PieceList } from '../content/digest.js'
import type { PlacedRun, Run } from '../content/run.js'
import { toDiskError } from '../disk/disk-error.js'
import { Glue } from '../disk/glue.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { WholeFile } from '../part/part-task.js'
import { pieceCount, type Content } from '../protocol/content.js'

export interface Landed {
  pieces: PieceList
  /** The glued and synced file; none if it has its name already. */
  path?: string
  identity?: FileIdentity
}

export interface Landing {
  /** Whether how far a part has come says anything. */
  readonly isGradual: boolean
  /** The path that a part's thread gives its file, if that is all of it. */
  readonly target: string | undefined
  /** Whether it is complete, though parts may still run. */
  readonly isOver: boolean
  /** A part at the front of the content has so many bytes. */
  begins: (path: string, receivedBytes: number) => void
  /** Good pieces, in a file that nobody writes to any more. */
  add: (run: Run) => void
  /** The only piece is there, under its name. */
  arrived: (file: WholeFile) => void
  /** @throws E_DISK_FULL, E_IO if what has come can't be put together. */
  throwOnFailure: () => void
  finish: () => Promise<Landed>
  close: () => Promise<void>
}

export interface LandingOptions {
  content: Content & { filename: string }
  pieces: PieceList | undefined
  target: string
  onGood: ((run: PlacedRun) => void) | undefined
}

export function landingOf ({ content, pieces, target, onGood }: LandingOptions): Landing {
  return pieceCount(content) === 1 ? new OneFile(target) : new GluedParts(new Glue(content, onGood), pieces)
}

class GluedParts implements Landing {
  readonly isGradual = true
  readonly isOver = false
  readonly target = undefined
  readonly #glue: Glue
  readonly #pieces: PieceList

  constructor (glue: Glue, pieces: PieceList = Buffer.alloc(0)) {
    this.#glue = glue
    this.#pieces = pieces
  }

  begins (path: string, receivedBytes: number): void {
    this.#glue.begins(path, receivedBytes)
  }

  add (run: Run): void {
    this.#glue.add(run)
  }

  arrived (): void {}

  throwOnFailure (): void {
    if (this.#glue.failure !== undefined) throw toDiskError(this.#glue.failure, 'cannot glue the parts')
  }

  async finish (): Promise<Landed> {
    return { pieces: this.#pieces, path: await this.#glue.finish() }
  }

  async close (): Promise<void> {
    await this.#glue.close()
  }
}

class OneFile implements Landing {
  readonly isGradual = false
  readonly target: string
  #file: WholeFile | undefined

  constructor (target: string) {
    this.target = target
  }

  /** If two owners bring the file at once, one of their threads is the first; the other finds the name taken. */
  get isOver (): boolean {
    return this.#file !== undefined
  }

  begins (): void {}

  add (): void {}

  arrived (file: WholeFile): void {
    this.#file ??= file
  }

  throwOnFailure (): void {}

  async finish (): Promise<Landed> {
    if (this.#file === undefined) throw new Error('not there yet')
    return await Promise.resolve(this.#file)
  }

  async close (): Promise<void> {}
}
