/**
 * The room of a folder on the disk. It is looked for before the tree is made, since that may take a
 * million inodes, and promised when it is known what is there already. What the version before has
 * as well costs no second copy.
 */
import type { Selection } from '../content/selection.js'
import type { PieceRange } from '../content/run.js'
import type { Workspace } from '../disk/workspace.js'
import { PART_BYTES } from '../protocol/limits.js'
import type { TreeSize } from '../tree/measure-tree.js'
import { TASKS } from './unpacker.js'

/** Files beside the tree: its parts, manifest and notes. */
const OTHER_FILES = 16

export interface PromisedRoom {
  /** So many bytes of the content are there. */
  reach: (bytes: number) => void
  /** Safe to call twice. */
  end: () => void
}

export class FolderRoom {
  readonly #tree: TreeSize

  constructor (tree: TreeSize) {
    this.#tree = tree
  }

  /** Whether all of it has room that is not taken over from the version before. @throws E_DISK_FULL, E_IO. */
  async look (workspace: Pick<Workspace, 'promiseRoom'>): Promise<void> {
    const { bytes, sameBytes, inodes, largestFile } = this.#tree
    const room = await workspace.promiseRoom(0, { size: withParts(bytes - sameBytes), inodes: inodes + OTHER_FILES, largestFile })
    room.end()
  }

  /** @param there pieces that are in the tree, but for zeros @throws E_DISK_FULL, E_IO. */
  async promise (workspace: Pick<Workspace, 'promiseRoom'>, selection: Selection, there: readonly PieceRange[], zeroBytes: number): Promise<PromisedRoom> {
    const { bytes, blockBytes, largestFile } = this.#tree
    let kept = 0
    let keptOnDisk = 0
    for (const range of there) {
      for (const extent of selection.extentsOf(range)) {
        kept += extent.bytes
        keptOnDisk += Math.ceil(extent.bytes / blockBytes) * blockBytes
      }
    }
    const size = withParts(Math.max(0, bytes - keptOnDisk))
    const room = await workspace.promiseRoom(0, { size, largestFile })
    const thereAtFirst = kept + zeroBytes
    const toCome = selection.layout.size - thereAtFirst
    return {
      // Files come with the room that is lost at their ends.
      reach: (bytes) => room.reach(toCome > 0 ? size * Math.max(0, bytes - thereAtFirst) / toCome : size),
      end: () => room.end(),
    }
  }
}

/** What is in a part file that is taken apart is on the disk twice. */
function withParts (bytes: number): number {
  return bytes + Math.min(bytes, TASKS * PART_BYTES)
}
