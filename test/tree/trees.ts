/** Folders for tests, and the work on them without threads. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestFiles } from '../../lib/tree/digest-files.js'
import { digestTree, type DigestedTree, type DigestTreeOptions, type TreeThreads } from '../../lib/tree/digest-tree.js'
import { findTree, keepTree } from '../../lib/tree/find-tree.js'
import type { Manifest } from '../../lib/manifest/manifest.js'

/** What would be done in worker threads. `digested` counts the bytes of files, as they are read. */
export function hereAsThreads (onDigest?: (path: string) => void): TreeThreads {
  return {
    findTree: async (task) => await Promise.resolve(findTree(task)),
    digestFiles: async (task) => {
      onDigest?.(task.root)
      return await Promise.resolve(digestFiles(task))
    },
    keepTree: async (task) => await Promise.resolve(keepTree(task)),
  }
}

export async function digest (root: string, options: Partial<DigestTreeOptions> = {}): Promise<DigestedTree> {
  return await digestTree(root, { threads: hereAsThreads(), tasksAtOnce: 1, treeFile: undefined, ...options })
}

/** Path → content, or a folder for what ends with a `/`. */
export function plant (root: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path.endsWith('/') ? path : dirname(path)), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(join(root, path), content)
  }
  return root
}

/** Everything below a folder: path → what it is, as text. */
export function listTree (root: string, { times = false } = {}): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const place = join(entry.parentPath, entry.name)
    const stats = lstatSync(place, { bigint: true })
    const time = times && !stats.isSymbolicLink() ? ` ${stats.mtimeNs / 1_000_000n}` : ''
    const path = place.slice(root.length + 1)
    if (stats.isSymbolicLink()) found[path] = `-> ${readlinkSync(place)}`
    else if (stats.isDirectory()) found[path] = 'folder'
    else found[path] = `${(stats.mode & 0o111n) === 0n ? '' : 'x '}${readFileSync(place, 'latin1')}${time}`
  }
  return found
}

export function pathsOf (manifest: Manifest): string[] {
  return [...manifest.entries()].map(({ path }) => path)
}
