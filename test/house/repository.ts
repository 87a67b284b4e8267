/** The files of the project as they lie there, without what was installed, built or left by a run. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../helpers/command.js'

const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'bundle', '.tap', 'node_files', 'bench-results'])

/** Paths from the root of the project. */
export function filesOf (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (NOT_OURS.has(entry.name)) return []
    return entry.isDirectory() ? filesOf(path) : [path]
  })
}

export function read (path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

export function countLines (text: string): number {
  return text.replace(/\n$/, '').split('\n').length
}
