/**
 * A thread may die after it has given a file its name, and before it can tell. The next thread that
 * brings the file finds the name taken. If that file is one of those that were noted, it is ours.
 */
import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { undoClaim, type Naming } from './give-name.js'
import { claimNote } from './hidden.js'
import { identityOf, type FileIdentity } from './own-file.js'

/** A whole file that a thread was about to name: where it was, and what tells it from others. */
export interface UntoldFile {
  path: string
  ino: bigint
  mtimeNs: bigint
}

/** @returns the file that has the name, if it is one of these. A claim that one of them left is undone. */
export function takeUntold (target: string, size: bigint, untold: readonly UntoldFile[], { hiddenFolder }: Naming): FileIdentity | undefined {
  for (const { path, ino, mtimeNs } of untold) {
    undoClaim(claimNote(hiddenFolder, path), dirname(target))
    const there = lstatSync(target, { bigint: true, throwIfNoEntry: false })
    // Nobody can set a time to the nanosecond by accident.
    if (there?.isFile() === true && there.ino === ino && there.mtimeNs === mtimeNs && there.size === size) return identityOf(there)
  }
  return undefined
}
