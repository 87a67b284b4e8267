/** What earlier downloads left and nobody needs any more: removed when a node starts. */
import { lstat, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as check from '../protocol/check.js'
import { undoClaim } from './give-name.js'
import { ARRIVED, CLAIM_NOTE, DIGEST_FOLDER, JOURNAL, NAME_FOLDER, RECEIVED, SINGLE_PIECE } from './hidden.js'

export interface OrphanOptions {
  /** The node's folder. */
  folder: string
  hiddenFolder: string
  /** What all that is under way there is to become. @default the name in the journal, in the folder */
  target?: string
  /** Digests, as hex digits, of what other processes are at work on: it is left alone. */
  inUse?: ReadonlySet<string>
  /** What is older than this is an orphan, in milliseconds. */
  maxAgeMs: number
  /** The time by the wall clock, as file times are. */
  now: Date
}

const DIGEST_HEX = 64
const journal = { filename: check.fileName, isUpdate: check.optional(check.boolean) }

/** Removes what belongs to a file that is there by now and is not to be replaced, what nobody went on with, and what can't be read. */
export async function removeOrphans ({ folder, hiddenFolder, target, inUse = new Set(), maxAgeMs, now }: OrphanOptions): Promise<void> {
  const isFree = (entry: string): boolean => !inUse.has(entry.slice(0, DIGEST_HEX))
  for (const part of (await entriesOf(hiddenFolder, SINGLE_PIECE)).filter(isFree)) await rm(join(hiddenFolder, part), { force: true })
  for (const part of inUse.size > 0 ? [] : await entriesOf(hiddenFolder, RECEIVED)) await rm(join(hiddenFolder, part), { force: true })
  for (const version of inUse.size > 0 ? [] : await entriesOf(hiddenFolder, ARRIVED)) await rm(join(hiddenFolder, version), { recursive: true, force: true })
  for (const note of inUse.size > 0 ? [] : await entriesOf(hiddenFolder, CLAIM_NOTE)) undoClaim(join(hiddenFolder, note), folder)
  for (const digest of (await entriesOf(hiddenFolder, DIGEST_FOLDER)).filter(isFree)) {
    const digestFolder = join(hiddenFolder, digest)
    for (const name of await entriesOf(digestFolder, NAME_FOLDER)) {
      const workspace = join(digestFolder, name)
      const isOld = now.getTime() - await lastChangeMs(workspace) > maxAgeMs
      if (isOld || !await isStillWanted(workspace, folder, target)) await rm(workspace, { recursive: true, force: true })
    }
    // Does nothing where something is left in it.
    await rmdir(digestFolder).catch(() => {})
  }
}

async function entriesOf (folder: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((entry) => pattern.test(entry))
}

async function isStillWanted (workspace: string, folder: string, target?: string): Promise<boolean> {
  try {
    const { filename, isUpdate = false } = check.checkShape(journal, JSON.parse(await readFile(join(workspace, JOURNAL), 'utf8')))
    if (isUpdate) return true
    return await lstat(target ?? join(folder, filename)).then(() => false, () => true)
  } catch {
    return false
  }
}

/** When a part was last written to. */
async function lastChangeMs (workspace: string): Promise<number> {
  const entries = await readdir(workspace).catch(() => [])
  const times = await Promise.all(entries.map(async (entry) => await lstat(join(workspace, entry)).then(({ mtimeMs }) => mtimeMs, () => 0)))
  return Math.max(0, ...times)
}
