/**
 * Two ways that a network works, in the open and with a secret, and two ways to the disk, in windows
 * of one file and in separate part files. What is true of one has to be true of the other.
 */
import { join } from 'node:path'
import { readSecret, writeNewSecret } from '../../lib/secret/secret-file.js'
import type { Secret } from '../../lib/secret/keys.js'
import type { Scope } from './command.js'
import { tempDir } from './files.js'

export interface Way {
  /** For the name of a test. */
  what: string
  /** For tracker and nodes. */
  flags: string[]
  /** For nodes that fetch: so both ways to the disk are seen, and nothing takes twice as long. */
  pathFlags: string[]
  /** For those that speak the protocol by hand. */
  secret?: Secret
}

export async function bothWays (t: Scope): Promise<[plain: Way, withSecret: Way]> {
  const path = join(await tempDir(t), 'secret')
  await writeNewSecret(path)
  return [
    { what: 'plain', flags: [], pathFlags: [] },
    { what: 'with a secret', flags: ['--secret-file', path], pathFlags: ['--separate-parts'], secret: await readSecret(path) },
  ]
}

/** For the name of a test, for a download's context, and for a node. */
export const DATA_PATHS = [
  { path: 'windows', inWindows: true, pathFlags: [] },
  { path: 'separate parts', inWindows: false, pathFlags: ['--separate-parts'] },
]
