/** A share of a file that is really there, for tests of whoever serves it. */
import { execFileSync } from 'node:child_process'
import { appendFile, copyFile, mkdir, open, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contentOf } from '../../lib/content/digest.js'
import { identify } from '../../lib/disk/own-file.js'
import type { Share } from '../../lib/share/share-index.js'
import { untilFileClockMoves } from '../disk/file-clock.js'

/** @param content what the digest is of; read from the file if left out */
export async function shareOf (folder: string, filename: string, content?: Pick<Share, 'size' | 'digest' | 'pieceLength' | 'pieces'>): Promise<Share> {
  const handle = await open(join(folder, filename))
  await untilFileClockMoves(folder)
  try {
    return { filename, identity: await identify(handle), ...(content ?? contentOf(await handle.readFile())) }
  } finally {
    await handle.close()
  }
}

/** What may happen to a file that was announced; afterwards its owner must not serve it. */
export const CHANGES: Record<string, (path: string) => Promise<void>> = {
  'it grew': async (path) => await appendFile(path, 'x'),
  'it was truncated': async (path) => await truncate(path, 3),
  'it is empty': async (path) => await truncate(path, 0),
  'other bytes of the same size': async (path) => {
    const { size } = await stat(path)
    await writeFile(path, Buffer.alloc(size, 'y'))
  },
  'other bytes with the same size and time': async (path) => {
    const { size, atime, mtime } = await stat(path)
    await writeFile(path, Buffer.alloc(size, 'y'))
    await utimes(path, atime, mtime)
  },
  'another file in its place': async (path) => {
    await copyFile(path, `${path}.new`)
    await rename(`${path}.new`, path)
  },
  'it is gone': async (path) => await rm(path),
  'a link in its place': async (path) => {
    await rename(path, `${path}.old`)
    await symlink(`${path}.old`, path)
  },
  'a folder in its place': async (path) => {
    await rm(path)
    await mkdir(path)
  },
  'a pipe in its place': async (path) => {
    await rm(path)
    execFileSync('mkfifo', [path])
  },
}
