/** What is done about trees in threads, in this one. */
import type { TreeThreads } from '../../lib/download/context.js'
import { nameFolder } from '../../lib/disk/give-name.js'
import { findKept } from '../../lib/tree/find-kept.js'
import { finishTree } from '../../lib/tree/finish-tree.js'
import { namesAreRight } from '../../lib/tree/name-check.js'
import { makeSkeleton } from '../../lib/tree/skeleton.js'
import { measureTree } from '../../lib/tree/measure-tree.js'
import { syncFiles } from '../../lib/tree/sync-tree.js'
import { takeFromHere } from '../../lib/tree/take-from-here.js'
import { unpack } from '../../lib/tree/unpack.js'
import { takeOver } from '../../lib/tree/take-over.js'

export const TREES: TreeThreads = {
  takeOver: async (task) => await Promise.resolve(takeOver(task)),
  makeSkeleton: async (task) => await Promise.resolve(makeSkeleton(task)),
  namesAreRight: async (task) => await Promise.resolve(namesAreRight(task)),
  findKept: async (task) => await Promise.resolve(findKept(task)),
  measureTree: async (task) => await Promise.resolve(measureTree(task)),
  takeFromHere: async (task) => await Promise.resolve(takeFromHere(task)),
  unpack: async (task) => await Promise.resolve(unpack(task)),
  finishTree: async (task) => await Promise.resolve(finishTree(task)),
  syncFiles: async (task) => await Promise.resolve(syncFiles(task)),
  nameFolder: async (task) => await Promise.resolve(nameFolder(task)),
}
