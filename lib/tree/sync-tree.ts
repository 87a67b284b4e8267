/** Brings a whole tree to the disk before it gets its name. */
import { execFile } from 'node:child_process'
import { closeSync, constants, fsyncSync, openSync } from 'node:fs'
import { toDiskError } from '../disk/disk-error.js'
import { Manifest } from '../manifest/manifest.js'
import { quote } from '../protocol/names.js'
import { eachShare, numbersOf, sharesOf, type EntriesTask } from './shares.js'
import { TreeControl } from './tree-control.js'

/** `entries`: those that are there. */
export interface SyncTask extends EntriesTask {
  root: string
  control: SharedArrayBuffer
}

/** One for the whole file system takes a twentieth of the time of one for each file, unless others write much to it. */
const TOGETHER_MS = 30_000
/** Disks take several at once. */
const TASKS = 4

/**
 * @param syncFiles a file each, in a worker thread: where there is no `sync -f`, or it takes too long
 * @throws E_DISK_FULL, E_IO, E_INTERRUPTED.
 */
export async function syncTree (task: SyncTask, syncFiles: (task: SyncTask) => Promise<void>): Promise<void> {
  if (await syncTogether(task.root)) return
  await eachShare(sharesOf(task, { most: TASKS, least: 1 }), async (share) => await syncFiles({ ...task, share }))
}

/** While something else is done to many files: the sync at the end then has little left to wait for. */
export async function bringToDisk (task: EntriesTask & Pick<SyncTask, 'root'>): Promise<void> {
  if (sharesOf(task, { most: 2 }).length > 1) await syncTogether(task.root)
}

/**
 * By coreutils.
 *
 * @param signal ends it, whether it is done or not
 * @returns whether it is done
 */
export async function syncTogether (root: string, signal?: AbortSignal): Promise<boolean> {
  return await new Promise((resolve) => {
    const child = execFile('sync', ['-f', '--', root], { timeout: TOGETHER_MS, signal }, (error) => resolve(error === null))
    // One that waits for a disk does not end even when it is killed.
    const timer = setTimeout(() => resolve(false), TOGETHER_MS)
    child.once('exit', () => clearTimeout(timer))
    child.once('error', () => clearTimeout(timer))
  })
}

/** Each of these files and folders by itself. @throws E_DISK_FULL, E_IO, E_INTERRUPTED. */
export function syncFiles (task: SyncTask): void {
  const { root } = task
  const manifest = Manifest.fromData(task.manifest)
  const control = new TreeControl(task.control)
  let folder = ''
  for (const index of numbersOf(task)) {
    control.goOn()
    const path = manifest.path(index)
    if (manifest.isFile(index)) sync(`${root}/${path}`, path)
    for (let end = path.lastIndexOf('/'); end > 0 && !`${folder}/`.startsWith(`${path.slice(0, end)}/`); end = path.lastIndexOf('/', end - 1)) sync(`${root}/${path.slice(0, end)}`, path, true)
    folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
  }
  sync(root, '', true)
}

function sync (place: string, path: string, isFolder = false): void {
  try {
    const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    // Not every file system can sync folders, and need not.
    if (!isFolder) throw toDiskError(error, `cannot write ${quote(path)}`)
  }
}
