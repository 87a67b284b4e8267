/** A share of a file that is really there, for tests of whoever serves it. */
import { execFileSync } from 'node:child_process'
import { appendFile, chmod, copyFile, link, mkdir, open, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
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
    return { filename, path: join(folder, filename), identity: await identify(handle), ...(content ?? contentOf(await handle.readFile())) }
  } finally {
    await handle.close()
  }
}

type Change = (path: string) => Promise<void>

/** What may happen to a file that was announced, and is seen without reading it; afterwards its owner must not serve it. */
export const PLAIN_CHANGES: Record<string, Change> = {
  'it grew': async (path) => await appendFile(path, 'x'),
  'it was truncated': async (path) => await truncate(path, 3),
  'it is empty': async (path) => await truncate(path, 0),
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

/** The same, where only its bytes tell. */
export const HIDDEN_CHANGES: Record<string, Change> = {
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
    const { size, atime, mtime } = await stat(path)
    await writeFile(`${path}.new`, Buffer.alloc(size, 'y'))
    await utimes(`${path}.new`, atime, mtime)
    await rename(`${path}.new`, path)
  },
}

export const CHANGES = { ...PLAIN_CHANGES, ...HIDDEN_CHANGES }

/** What may happen to a file whose bytes stay the same. */
export const NO_CHANGES: Record<string, Change> = {
  'another mode': async (path) => await chmod(path, 0o640),
  'another time': async (path) => await utimes(path, 1_800_000_000, 1_800_000_000),
  'a hard link': async (path) => await link(path, `${path}.link`),
  'a hard link that is gone again': async (path) => {
    await link(path, `${path}.link`)
    await rm(`${path}.link`)
  },
  'moved away and back': async (path) => {
    await rename(path, `${path}.away`)
    await rename(`${path}.away`, path)
  },
  'a copy in its place': async (path) => {
    await copyFile(path, `${path}.new`)
    await rename(`${path}.new`, path)
  },
  'the same bytes written again': async (path) => {
    await copyFile(path, `${path}.copy`)
    await copyFile(`${path}.copy`, path)
  },
}
