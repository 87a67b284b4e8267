/** The last step: a complete file gets its name, at once and whole, and never in the place of another. */
import { linkSync, unlinkSync } from 'node:fs'
import { link, lstat, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { toDiskError } from './disk-error.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

/** @throws E_EXISTS if anything has that name, a link that leads nowhere included. */
export async function assertAbsent (path: string, filename: string): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw toDiskError(error, `cannot look for ${quote(filename)}`)
  }
  throw exists(filename)
}

/**
 * Gives the synced file `from` the name `to`: link, which unlike rename fails where there is
 * something; then the folder is synced, and only then the old name goes.
 *
 * @throws E_EXISTS, E_DISK_FULL, E_IO; `from` is still there then.
 */
export async function publish (from: string, to: string, filename: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    throw linkError(error, filename)
  }
  await secureName(to, filename)
  await unlink(from).catch(() => {})
}

/**
 * The same for a thread that may wait, but for the folder, which `secureName` is to sync: nobody
 * would go on with this file, so it need not keep its old name until then.
 *
 * @throws E_EXISTS, E_DISK_FULL, E_IO; `from` is still there then.
 */
export function giveName (from: string, to: string, filename: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    throw linkError(error, filename)
  }
  try {
    unlinkSync(from)
  } catch {
    // It goes at the next start.
  }
}

/** A file that was linked there is there for good, or not at all. @throws E_DISK_FULL, E_IO. */
export async function secureName (path: string, filename: string): Promise<void> {
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    // Not safely there: better not there at all than lost at the next power cut after "saved".
    await unlink(path).catch(() => {})
    throw toDiskError(error, `cannot publish ${quote(filename)}`)
  }
}

/** Folder → the sync that has not begun yet: all who ask until then share it, so many small files wait for few. */
const dueSyncs = new Map<string, Promise<void>>()
/** Folder → the sync that is under way; what was linked after its beginning may not be in it. */
const runningSyncs = new Map<string, Promise<void>>()

async function syncFolder (path: string): Promise<void> {
  const due = dueSyncs.get(path) ?? syncAfter(runningSyncs.get(path), path)
  dueSyncs.set(path, due)
  await due
}

async function syncAfter (running: Promise<void> | undefined, path: string): Promise<void> {
  await running?.catch(() => {})
  const sync = openAndSync(path)
  dueSyncs.delete(path)
  runningSyncs.set(path, sync)
  try {
    await sync
  } finally {
    if (runningSyncs.get(path) === sync) runningSyncs.delete(path)
  }
}

async function openAndSync (path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function linkError (error: unknown, filename: string): PiecemealError {
  return systemCode(error) === 'EEXIST' ? exists(filename) : toDiskError(error, `cannot publish ${quote(filename)}`)
}

function exists (filename: string): PiecemealError {
  return new PiecemealError('E_EXISTS', `${quote(filename)} is already there; it is left untouched`)
}
