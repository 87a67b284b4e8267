/**
 * Makes all of a tree but the bytes of its files, in several threads where there are many.
 *
 * If anything of it can't be held here, one thread makes it all again: which of two names that are the same here
 * is there first, and which is refused, would otherwise be chance.
 */
import { mkdir } from 'node:fs/promises'
import { atDisk } from '../disk/at-disk.js'
import { Manifest } from '../manifest/manifest.js'
import { quote } from '../protocol/names.js'
import { toDiskError } from '../disk/disk-error.js'
import type { NamesTask } from './name-check.js'
import { eachShare, sharesOf, type Share } from './shares.js'
import type { Skeleton, SkeletonTask } from './skeleton.js'

export interface MakeThreads {
  makeSkeleton: (task: SkeletonTask) => Promise<Skeleton>
  namesAreRight: (task: NamesTask) => Promise<boolean>
}

/** @throws as `makeSkeleton`. */
export async function makeTree (task: SkeletonTask, threads: MakeThreads, shares = sharesOf(task)): Promise<Skeleton> {
  if (shares.length === 1) return await threads.makeSkeleton(task)
  return await makeShares(task, shares, threads) ? { lacking: [] } : await threads.makeSkeleton({ ...task, isAgain: true })
}

/** @returns whether all of it is there as it should be */
async function makeShares (task: SkeletonTask, shares: readonly Share[], { makeSkeleton, namesAreRight }: MakeThreads): Promise<boolean> {
  const { manifest, entries, root, control } = task
  const made = await makeCommonFolders(task, shares)
  if (made === undefined) return false
  const skeletons = await eachShare(shares, async (share) => await makeSkeleton({ ...task, share, made, skipMissing: true }))
  if (skeletons.some(({ lacking }) => lacking.length > 0)) return false
  // What one of them made another may have taken for its own, so nothing is looked at before all is there.
  return (await eachShare(shares, async (share) => await namesAreRight({ manifest, entries, root, control, share }))).every(Boolean)
}

/** Those that a share has with the one before it. @returns with their last `/`; undefined if one of them can't be held */
async function makeCommonFolders ({ manifest: data, entries, root, target }: SkeletonTask, shares: readonly Share[]): Promise<string[] | undefined> {
  const manifest = Manifest.fromData(data)
  const pathAt = (place: number): string => manifest.path(entries?.[place] ?? place)
  const folders = new Set<string>()
  for (const { from } of shares.slice(1)) {
    const [path, before] = [pathAt(from), pathAt(from - 1)]
    for (let end = path.indexOf('/') + 1; end > 0 && before.startsWith(path.slice(0, end)); end = path.indexOf('/', end) + 1) folders.add(path.slice(0, end))
  }
  try {
    await atDisk(async () => await mkdir(root))
  } catch (error) {
    throw toDiskError(error, `cannot make a hidden folder for ${quote(target)}`)
  }
  try {
    for (const folder of folders) await atDisk(async () => await mkdir(`${root}/${folder}`))
  } catch {
    // Why, the thread finds out that makes it all.
    return undefined
  }
  return [...folders]
}
