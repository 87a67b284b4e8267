/** The large file that contestants move, and whether it came as it was sent. */
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../demo/stage.js'
import { sha256, writePseudoRandom } from '../helpers/files.js'
import type { Contestant } from './contestant.js'

/** What all of them work on. */
export interface Arena {
  stage: Stage
  /** The file that is moved. */
  source: string
  size: number
  /** In hex. */
  sha256: string
}

/** A file of `size` random bytes, all of it in the page cache. */
export async function makeArena (stage: Stage, size: number): Promise<Arena> {
  const folder = join(stage.folder, 'source')
  await mkdir(folder)
  const source = join(folder, 'source.bin')
  await writePseudoRandom(source, size)
  await sync(source)
  // Reading it all puts it into the page cache as well.
  return { stage, source, size, sha256: await sha256(source) }
}

/** Otherwise the kernel would write it while others wait for the disk. */
async function sync (path: string): Promise<void> {
  const file = await open(path)
  await file.sync()
  await file.close()
}

/** @throws if what came is not what was sent. */
export async function assertSame ({ name, targets }: Contestant, { size, sha256: wanted }: Arena): Promise<void> {
  for (const target of targets) {
    if ((await stat(target)).size !== size || await sha256(target) !== wanted) throw new Error(`${name} made something else of the file: ${target}`)
  }
}
