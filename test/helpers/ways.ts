/** The two ways that a network works: in the open, and with a secret. What is true of one has to be true of the other. */
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
  /** For those that speak the protocol by hand. */
  secret?: Secret
}

export async function bothWays (t: Scope): Promise<[plain: Way, withSecret: Way]> {
  const path = join(await tempDir(t), 'secret')
  await writeNewSecret(path)
  return [
    { what: 'plain', flags: [] },
    { what: 'with a secret', flags: ['--secret-file', path], secret: await readSecret(path) },
  ]
}
