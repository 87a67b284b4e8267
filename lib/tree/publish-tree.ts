/** The last step of a tree: all of it on the disk, then its name, at once and whole, and never in the place of anything. */
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { atDisk } from '../disk/at-disk.js'
import { toDiskError } from '../disk/disk-error.js'
import type { NameTask } from '../disk/give-name.js'
import { syncFolder } from '../disk/publish.js'
import { quote } from '../protocol/names.js'
import { syncTree, type SyncTask } from './sync-tree.js'

export interface PublishTask extends Pick<NameTask, 'to' | 'filename' | 'naming'>, SyncTask {}

/** What waits for the disk, in threads that may. */
export interface PublishThreads {
  syncFiles: (task: SyncTask) => Promise<void>
  nameFolder: (task: Omit<NameTask, 'isExecutable'>) => Promise<void>
}

/** @throws E_EXISTS, E_DISK_FULL, E_IO, E_INTERRUPTED, and the tree is still where it was then. */
export async function publishTree ({ to, filename, naming, ...task }: PublishTask, threads: PublishThreads): Promise<void> {
  await syncTree(task, threads.syncFiles)
  await threads.nameFolder({ from: task.root, to, filename, naming })
  try {
    await syncFolder(dirname(to))
  } catch (error) {
    // As it was before, so that it can be tried again.
    await atDisk(async () => await rename(to, task.root)).catch(() => {})
    throw toDiskError(error, `cannot publish ${quote(filename)}`)
  }
}
