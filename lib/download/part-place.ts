/** Where a part is written: in a window of the file that all write to, or in a file of its own. */
import { rm } from 'node:fs/promises'
import type { PieceRange, Place } from '../content/run.js'
import { atDisk } from '../disk/at-disk.js'
import type { Workspace } from '../disk/workspace.js'
import type { PartFiles } from '../part/part-task.js'

/** Where a part is written, and which pieces its thread may write there. */
export interface PartPlace extends PieceRange, Place {
  readonly isWindow: boolean
  /** In a tree: the files that it is written to. */
  readonly files?: PartFiles
  /** Whether nothing was ever written there, so that zeros need not be, either. */
  readonly isBlank: boolean
}

export function ownFile (workspace: Pick<Workspace, 'newPartFile'>, { firstPiece, endPiece }: PieceRange): PartPlace {
  return { firstPiece, endPiece, path: workspace.newPartFile(firstPiece), originPiece: firstPiece, isWindow: false, isBlank: true }
}

export async function dropPartFile ({ path }: Place): Promise<void> {
  // What stays of it is removed with the workspace.
  await atDisk(async () => await rm(path, { force: true })).catch(() => {})
}
