/** The folders that the thread serves, each version by its digest: they have one name. */
import type { PieceRange } from '../content/run.js'
import type { FolderName, FolderShareData } from './folder-share.js'
import { ServedFolder, type TellOfFolder } from './served-folder.js'

export class ServedFolders {
  readonly tell: TellOfFolder
  readonly #folders = new Map<string, ServedFolder>()

  constructor (tell: TellOfFolder) {
    this.tell = tell
  }

  add (share: FolderShareData): void {
    this.#folders.set(keyOf(share), new ServedFolder(share))
  }

  remove (share: FolderName): boolean {
    return this.#folders.delete(keyOf(share))
  }

  lack (share: FolderName, pieces: PieceRange): void {
    this.#folders.get(keyOf(share))?.lack(pieces)
  }

  /** Pieces of one that is being downloaded have come. */
  gain (share: FolderName, pieces: PieceRange): void {
    this.#folders.get(keyOf(share))?.gain(pieces)
  }

  /** For whoever asks for it. */
  get (filename: string, digest: string): ServedFolder | undefined {
    const folder = this.#folders.get(keyOf({ filename, digest }))
    if (folder) folder.askedMs = performance.now()
    return folder
  }

  /** How long nobody has asked for it. */
  idleMs (share: FolderName): number | undefined {
    const folder = this.#folders.get(keyOf(share))
    return folder && performance.now() - folder.askedMs
  }
}

function keyOf ({ filename, digest }: FolderName): string {
  return `${digest} ${filename}`
}
