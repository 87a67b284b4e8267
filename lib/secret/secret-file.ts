/** Secrets live in files that their owner alone can read, or root and a group of ours; what they hold is in no argument, message or log. */
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { LEAST_SECRET_BYTES, MOST_SECRET_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { deriveKeys, type Secret, type SecretKeys } from './keys.js'

const NEW_SECRET_BYTES = 32
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const PERMISSIONS = 0o777
const OWNER = 0o700
const GROUP_READ = 0o040

/**
 * The secret that a file holds: 16 bytes or more, the newline at its end not counted.
 *
 * @param oldPath the file of the secret before this one, to be accepted as well
 * @throws E_AUTH if a file is not there, others than its owner and this process may read it, or it holds no secret.
 */
export async function readSecret (path: string, oldPath?: string): Promise<Secret> {
  const current = await readKeys(path)
  return { current, ...(oldPath !== undefined && { old: await readKeys(oldPath) }) }
}

/** Makes a secret of 32 random bytes, as text. @throws E_EXISTS if there is such a file already, E_IO if it can't be written. */
export async function writeNewSecret (path: string): Promise<void> {
  const text = `${randomBytes(NEW_SECRET_BYTES).toString('base64url')}\n`
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new PiecemealError('E_EXISTS', `${quote(path)} is there already and is left as it is`, { cause: error })
    throw new PiecemealError('E_IO', `cannot write ${quote(path)}: ${systemCode(error) ?? 'failed'}`, { cause: error })
  }
}

async function readKeys (path: string): Promise<SecretKeys> {
  try {
    // Not to wait for the writer of a pipe; that it is none is checked on what was opened.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      await assertPrivate(handle, path)
      return deriveKeys(await readText(handle, path))
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof PiecemealError) throw error
    const why = systemCode(error) === 'ENOENT' ? 'ENOENT, it is not there; copy it from another machine of that network, or make the first one with "piecemeal tracker --new-secret FILE"' : systemCode(error) ?? 'failed'
    throw new PiecemealError('E_AUTH', `cannot read the secret file ${quote(path)}: ${why}`, { cause: error })
  }
}

async function assertPrivate (handle: FileHandle, path: string): Promise<void> {
  const stat = await handle.stat()
  if (!stat.isFile()) throw unfit(path, 'is no regular file')
  const why = whyNotPrivate(stat, { path: resolve(path), ...thisProcess() })
  if (why !== undefined) throw unfit(path, why)
}

/** Who asks, and for which file. */
export interface Reader {
  /** Absolute. */
  path: string
  uid: number
  gids: readonly number[]
  /** `$CREDENTIALS_DIRECTORY`, where a service manager puts files for this service alone. */
  credentialsFolder: string | undefined
}

/** Why somebody else might have read a file, if so. */
export function whyNotPrivate ({ mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>, reader: Reader): string | undefined {
  // Whoever owns a file may change who can read it.
  if (uid !== 0 && uid !== reader.uid) return 'belongs to another user'
  const isForUs = isWithin(reader.credentialsFolder, reader.path) || (uid === 0 && reader.gids.includes(gid))
  const allowed = isForUs ? OWNER | GROUP_READ : OWNER
  if ((mode & PERMISSIONS & ~allowed) === 0) return undefined
  const shown = (mode & PERMISSIONS).toString(8).padStart(3, '0')
  return `is open to others (mode ${shown}): chmod 600 it, or 640 with root as its owner and a group of this process, and make another secret if somebody may have read it`
}

function thisProcess (): Omit<Reader, 'path'> {
  const { geteuid, getegid, getgroups, env } = process
  // Every system that has users has all three.
  return { uid: geteuid?.() ?? -1, gids: [getegid?.() ?? -1, ...(getgroups?.() ?? [])], credentialsFolder: env.CREDENTIALS_DIRECTORY }
}

function isWithin (folder: string | undefined, path: string): boolean {
  return folder !== undefined && isAbsolute(folder) && dirname(path) === resolve(folder)
}

async function readText (handle: FileHandle, path: string): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_SECRET_BYTES + 3), 0, MOST_SECRET_BYTES + 3, 0)
  const text = withoutNewline(buffer.subarray(0, bytesRead))
  if (text.length < LEAST_SECRET_BYTES) throw unfit(path, `holds fewer than ${LEAST_SECRET_BYTES} bytes`)
  if (text.length > MOST_SECRET_BYTES) throw unfit(path, `holds more than ${MOST_SECRET_BYTES} bytes`)
  return text
}

/** Editors add one, and some a carriage return; the same secret has to come out of both. */
function withoutNewline (text: Buffer): Buffer {
  if (text.at(-1) !== NEWLINE) return text
  return text.subarray(0, text.at(-2) === CARRIAGE_RETURN ? -2 : -1)
}

function unfit (path: string, why: string): PiecemealError {
  return new PiecemealError('E_AUTH', `the secret file ${quote(path)} ${why}`)
}
